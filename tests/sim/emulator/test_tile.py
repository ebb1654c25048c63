"""One TILE of the emulator against a direct definition on whole maps, for every class of every number of banks."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.hw.contract.config import BANK_PIXELS, EngineConfig
from firelane.hw.contract.instruction import Destination, Operation, ParameterForm, RowMove, Source
from firelane.sim.emulator import Emulator
from firelane.sim.emulator.memory import word_rows
from tests.sim.emulator.assembler import Assembler, Code, kernel_3x3

NO_IMAGE = np.zeros(0, np.uint8)
CLASSES = [(banks, k) for banks in (1, 2, 4, 8, 16) for k in range(banks.bit_length())]
PAD = 77


def config(banks: int, taps: int = 1) -> EngineConfig:
    return EngineConfig(banks=banks, activation_words=256, weight_words=2048, program_words=512, taps_per_cycle=taps)


def store(memory: np.ndarray, address: int, values: np.ndarray, k: int) -> None:
    """Put map rows uint8 (C, rows <= R, W) into words address .. address + C - 1."""
    banks = memory.shape[1]
    for row in range(values.shape[1]):
        for column in range(values.shape[2]):
            part, pixel = divmod(column, BANK_PIXELS)
            memory[address:address + len(values), row + part * (banks >> k), pixel] = values[:, row, column]


def fetched(memory: np.ndarray, address: int, shape: tuple[int, int, int], k: int, row: int = 0) -> np.ndarray:
    """The map rows (C, rows, W) that stand there from word row `row` on."""
    channels, rows, width = shape
    rows_of_word = word_rows(memory[address:address + channels], memory.shape[1] >> k)
    return rows_of_word[:, row:row + rows, :width]


def correlate(values: np.ndarray, weight: np.ndarray, pad: int) -> np.ndarray:
    """int64 (O, H, W): sums of 3x3 weights (O, C, 3, 3) over uint8 (C, H, W), `pad` outside."""
    padded = np.pad(values.astype(np.int64), ((0, 0), (1, 1), (1, 1)), constant_values=pad)
    height, width = values.shape[1:]
    return sum(np.einsum("oc,chw->ohw", weight[:, :, i, j].astype(np.int64), padded[:, i:i + height, j:j + width])
               for i in range(3) for j in range(3))


class Bench:
    """A map of three row groups in memory, the middle one's tile to be computed."""

    CHANNELS, ADDRESSES, RESULT = 3, (10, 20, 30), 100

    def __init__(self, banks: int, k: int, seed: int, width: int | None = None, taps: int = 1):
        self.rng = np.random.default_rng(seed)
        self.cfg, self.k, self.rows = config(banks, taps), k, banks >> k
        self.width = width or int(self.rng.integers(1, (BANK_PIXELS << k) + 1))
        self.last_rows = int(self.rng.integers(0, self.rows + 1))          # that exist in the third group
        self.map = self.rng.integers(0, 256, (self.CHANNELS, 2 * self.rows + self.last_rows, self.width), np.uint8)
        self.program = Assembler(self.cfg)

    def slots(self) -> list[tuple[int, int]]:
        return list(zip(self.ADDRESSES, (self.rows, self.rows, self.last_rows)))

    def layer(self, **fields) -> int:
        fields = {"source": Source.STREAM, "parts_log2": self.k, "out_parts_log2": self.k, "columns": self.width,
                  "out_columns": self.width, "pad": PAD, "kernel": kernel_3x3(), "channels_in": self.CHANNELS, **fields}
        return self.program.layer(**{"group_channels": fields["channels_out"], **fields})

    def run(self) -> Emulator:
        emulator = Emulator(self.cfg, self.program.contents(), seed=1)
        for group, address in enumerate(self.ADDRESSES):
            rows = self.map[:, group * self.rows:(group + 1) * self.rows]
            store(emulator.memories.activations, address, rows, self.k)
        self.frame = emulator.run_frame(NO_IMAGE, trace=True)
        return emulator

    def middle(self, values: np.ndarray) -> np.ndarray:
        return values[:, self.rows:2 * self.rows]


def sparse(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    weight = rng.integers(-9, 10, shape).astype(np.int8)
    weight[rng.random(shape) < 0.6] = 0
    return weight


@pytest.mark.parametrize(("banks", "k"), CLASSES)
def test_convolution_3x3(banks, k):
    for seed in range(4):
        bench = Bench(banks, k, seed)
        weight = sparse(bench.rng, (5, 3, 3, 3))
        parameters = [(int(b), int(m), int(s)) for b, m, s in zip(
            bench.rng.integers(-3000, 3000, 5), bench.rng.integers(1 << 15, 1 << 16, 5), bench.rng.integers(17, 24, 5))]
        layer = bench.layer(channels_out=5, **bench.program.sparse_weights(weight.reshape(5, 3, 9)),
                            parameters=ParameterForm.FULL, parameter_address=bench.program.parameters(parameters),
                            zero_point=9, clamp_low=3, clamp_high=250)
        bench.program.tile(layer, address=bench.RESULT, rows=bench.rows, slots=bench.slots())
        memory = bench.run().memories.activations
        sums = bench.middle(correlate(bench.map, weight, PAD))
        bias, multiplier, shift = (np.array(column).reshape(-1, 1, 1) for column in zip(*parameters))
        expected = np.clip((((sums + bias) * multiplier + (1 << (shift - 1))) >> shift) + 9, 3, 250)
        np.testing.assert_array_equal(fetched(memory, bench.RESULT, expected.shape, k), expected)


@pytest.mark.parametrize(("banks", "k"), CLASSES)
@pytest.mark.parametrize("move", range(-3, 4))
def test_column_move(banks, k, move):
    bench = Bench(banks, k, move + 3)
    layer = bench.layer(source=Source.WINDOW, channels_out=3, kernel=[{"column_move": move, "slot": 1, "weight": 1}])
    bench.program.tile(layer, address=bench.RESULT, rows=bench.rows, slots=bench.slots())
    memory = bench.run().memories.activations
    padded = np.pad(bench.map, ((0, 0), (0, 0), (3, 3)), constant_values=PAD)
    expected = bench.middle(padded[:, :, 3 + move:3 + move + bench.width])
    np.testing.assert_array_equal(fetched(memory, bench.RESULT, expected.shape, k), expected)


@pytest.mark.parametrize(("banks", "k"), CLASSES)
def test_maximum_of_a_window(banks, k):
    bench = Bench(banks, k, 5)
    layer = bench.layer(source=Source.WINDOW, channels_out=3, operation=Operation.MAXIMUM, pad=0)
    bench.program.tile(layer, address=bench.RESULT, rows=bench.rows, slots=bench.slots())
    memory = bench.run().memories.activations
    padded = np.pad(bench.map, ((0, 0), (1, 1), (1, 1)))
    height, width = bench.map.shape[1:]
    views = [padded[:, i:i + height, j:j + width] for i in range(3) for j in range(3)]
    np.testing.assert_array_equal(fetched(memory, bench.RESULT, (3, bench.rows, width), k),
                                  bench.middle(np.max(views, axis=0)))


@pytest.mark.parametrize(("banks", "k"), CLASSES)
@pytest.mark.parametrize("phases", [(0, 0), (1, 1), (1, 0)])
def test_subsample(banks, k, phases):
    """Every second row and column, into a class that is half as wide, if there is one, at a row that is not 0."""
    bench = Bench(banks, k, 6, width=(BANK_PIXELS << k) - 1)
    row_phase, column_phase = phases
    out_k = max(k - 1, 0)
    kept = bench.middle(bench.map)[:, (row_phase if bench.rows > 1 else 0)::2, column_phase::2]
    row = (banks >> out_k) - kept.shape[1]
    layer = bench.layer(source=Source.WINDOW, channels_out=3, kernel=[{"slot": 1, "weight": 1}], subsample=1,
                        row_phase=row_phase, column_phase=column_phase, out_parts_log2=out_k, out_columns=kept.shape[2])
    bench.program.tile(layer, address=bench.RESULT, row=row, rows=kept.shape[1], slots=bench.slots())
    memory = bench.run().memories.activations
    np.testing.assert_array_equal(fetched(memory, bench.RESULT, kept.shape, out_k, row), kept)


@pytest.mark.parametrize(("banks", "k"), [case for case in CLASSES if case[0] > 1])
def test_blocks(banks, k):
    """The maximum of a 3x3 window around two columns of lanes, and around two rows where there are two: 3x4, or 4x4."""
    bench = Bench(banks, k, 8, width=(BANK_PIXELS << k) - 1, taps=2)
    out_k, high = max(k - 1, 0), min(bench.rows, 2)
    padded = np.pad(bench.map, ((0, 0), (1, 2), (1, 2)))
    height, width = bench.map.shape[1:]
    windows = np.max([padded[:, i:i + height, j:j + width] for i in range(2 + high) for j in range(4)], axis=0)
    wanted = bench.middle(windows)[:, ::high, ::2]
    layer = bench.layer(source=Source.WINDOW, channels_out=3, operation=Operation.MAXIMUM, pad=0, subsample=1, dense=1,
                        out_parts_log2=out_k, out_columns=wanted.shape[2])
    bench.program.tile(layer, address=bench.RESULT, rows=wanted.shape[1], slots=bench.slots())
    memory = bench.run().memories.activations
    np.testing.assert_array_equal(fetched(memory, bench.RESULT, wanted.shape, out_k), wanted)


def test_only_rows_that_exist_are_written():
    bench = Bench(8, 1, 7, width=28)
    layer = bench.layer(source=Source.WINDOW, channels_out=3, kernel=[{"slot": 1, "weight": 1}])
    bench.program.tile(layer, address=bench.RESULT, rows=2, slots=bench.slots())
    emulator = bench.run()
    untouched = Emulator(bench.cfg, bench.program.contents(), seed=1).memories.activations
    before, after = (word_rows(memory[bench.RESULT:bench.RESULT + 3], 4)
                     for memory in (untouched, emulator.memories.activations))
    np.testing.assert_array_equal(after[:, :2], bench.middle(bench.map)[:, :2])
    np.testing.assert_array_equal(after[:, 2:], before[:, 2:])


@pytest.mark.parametrize("group_channels", [1, 2])
def test_groups(group_channels):
    bench = Bench(4, 1, 8)
    weight = sparse(bench.rng, (3 * group_channels, 1, 3, 3))
    layer = bench.layer(channels_out=len(weight), channels_in=1, group_channels=group_channels, shift=20, bias=1 << 12,
                        **bench.program.sparse_weights(weight.reshape(-1, 1, 9)))
    bench.program.tile(layer, address=bench.RESULT, rows=bench.rows, slots=bench.slots())
    memory = bench.run().memories.activations
    full = np.zeros((len(weight), 3, 3, 3), np.int64)
    full[np.arange(len(weight)), np.arange(len(weight)) // group_channels] = weight[:, 0]
    sums = bench.middle(correlate(bench.map, full, PAD)) + (1 << 12)
    expected = np.clip((sums * (1 << 15) + (1 << 19)) >> 20, 0, 255)
    np.testing.assert_array_equal(fetched(memory, bench.RESULT, expected.shape, 1), expected)


def test_short_codes_and_raw_values_give_the_same_taps():
    """Prefix codes of many lengths, dense layers and plain bytes: one result."""
    results = []
    weight = np.random.default_rng(9).integers(-3, 4, (4, 3, 9)).astype(np.int8)
    weight[weight == 0] = 1
    lengths = Code((1, 2, 4, 4, 4, 5, 5))
    for variant in ("sparse", "dense", "raw", "raw dense"):
        bench = Bench(2, 0, 9)
        fields = bench.program.sparse_weights(weight, (lengths, Code((1, 1))))
        if "raw" in variant:
            octets = [*weight.reshape(-1), 0]
            bits = [(int(octet) >> bit) & 1 for octet in octets for bit in range(8)]
            fields |= {"raw_values": 1, "value_address": bench.program.stream(bits)}
        layer = bench.layer(channels_out=4, dense="dense" in variant, shift=18, codes=(lengths, Code((1, 1))), **fields)
        bench.program.tile(layer, address=bench.RESULT, rows=2, slots=bench.slots())
        memory = bench.run().memories.activations
        results.append(fetched(memory, bench.RESULT, (4, 2, bench.width), 0))
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])
    assert len(np.unique(results[0])) > 10


def test_average_of_a_map_in_two_tiles():
    bench = Bench(4, 1, 10)
    layer = bench.layer(source=Source.WINDOW, channels_out=3, kernel=[{"weight": 1}], destination=Destination.AVERAGE)
    streamed = bench.program.layer(channels_out=3, destination=Destination.AVERAGE, shift=21, bias=5, zero_point=2)
    stored = bench.program.layer(channels_out=3, shift=21, bias=5, zero_point=2)
    bench.program.tile(layer, rows=2, first=1, slots=[(10, 2)])
    bench.program.tile(layer, rows=1, slots=[(20, 2)])
    bench.program.emit(3, streamed, last=1)
    bench.program.emit(3, stored, address=50, row=1)
    memory = bench.run().memories.activations
    sums = bench.map[:, :3].astype(np.int64).sum(axis=(1, 2))
    expected = np.minimum(((((sums + 5) << 15) + (1 << 20)) >> 21) + 2, 255)
    np.testing.assert_array_equal(np.frombuffer(bench.frame.result, np.uint8), expected)
    np.testing.assert_array_equal(memory[50:53, 1, 0], expected)


def test_trace_repeats_the_frame():
    """The recorded writes, done to the same garbage, leave the same memory."""
    bench = Bench(8, 1, 11)
    layer = bench.layer(channels_out=5, shift=20, subsample=1, out_parts_log2=0, out_columns=7,
                        **bench.program.sparse_weights(sparse(bench.rng, (5, 3, 9))))
    bench.program.tile(layer, address=bench.RESULT, row=3, rows=2, slots=bench.slots())
    emulator = bench.run()
    memory = Emulator(bench.cfg, bench.program.contents(), seed=1).memories.activations
    for step in bench.frame.trace:
        step.writes.apply(memory)
    after = emulator.memories.activations
    np.testing.assert_array_equal(memory[bench.RESULT:bench.RESULT + 5], after[bench.RESULT:bench.RESULT + 5])
    assert len(bench.frame.trace[0].writes) == 5 * 4


def test_row_move_without_rows_beside_uses_the_wrap_slot():
    bench = Bench(4, 2, 12)
    kernel = [{"row_move": RowMove.UP, "slot": 2, "wrap_slot": 0, "weight": 1}]
    layer = bench.layer(source=Source.WINDOW, channels_out=3, kernel=kernel)
    bench.program.tile(layer, address=bench.RESULT, rows=1, slots=bench.slots())
    memory = bench.run().memories.activations
    np.testing.assert_array_equal(fetched(memory, bench.RESULT, (3, 1, bench.width), 2), bench.map[:, :1])
