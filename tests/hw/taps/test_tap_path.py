"""TapPath against the list of taps that the documents promise, cycle by cycle."""

from dataclasses import replace

import numpy as np
import pytest

from firelane.compiler.coding.prefix_code import PrefixCode
from firelane.compiler.coding.weight_code import EncodedLayer
from firelane.hw.blocks.ports import ScanSelect
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import CODE_WORD, ParameterForm
from firelane.hw.contract.timing import channel_cycles, record_lag, scan_cycles, tile_gap_cycles
from firelane.hw.taps.tap_path import TapPath
from tests.hw.support import lint, simulate
from tests.hw.tap_path_bench import (
    check_records,
    errors_of,
    run_tiles,
    sparse,
    staged,
    start_tiles,
    tile_run,
)
from tests.hw.tap_path_model import Images, make_tile, matches, packed

CFG = EngineConfig(banks=4, activation_words=64, weight_words=2600, value_symbols=512, run_symbols=256)
TWO = replace(CFG, taps_per_cycle=2)
WORD = (1 << 36) - 1


@pytest.mark.parametrize("shape, density", [((5, 6, 9), 0.3), ((9, 4, 1), 0.5), ((3, 2, 49), 0.4), ((6, 7, 4), 0.05),
                                            ((2, 3, 16), 1.0), ((1, 1, 1), 1.0), ((30, 1, 1), 0.5)])
def test_layers(shape, density):
    run_tiles(lambda rng, images: [make_tile(rng, CFG, images, sparse(rng, shape, density))], CFG)


def test_tiles_one_after_another():
    def make(rng, images):
        tiles = [make_tile(rng, CFG, images, sparse(rng, (4, 5, 9), 0.4), dense=False),
                 make_tile(rng, CFG, images, sparse(rng, (3, 4, 9), 1.0), dense=True, form=ParameterForm.CONSTANT),
                 make_tile(rng, CFG, images, None, window=True, channels_out=5, places=9),
                 make_tile(rng, CFG, images, sparse(rng, (3, 4, 9), 0.5), dense=False, value_room=0),
                 make_tile(rng, CFG, images, sparse(rng, (2, 4, 25), 1.0), dense=True, value_room=0),
                 make_tile(rng, CFG, images, None, window=True, channels_out=12, places=1, form=ParameterForm.CONSTANT)]
        return tiles + tiles[::-1]
    run_tiles(make, CFG)


@pytest.mark.parametrize("seed", range(3))
def test_tiles_overlap(seed):
    """Each tile starts as soon as it may: its first tap comes `tile_gap_cycles` after the terminator before it.

    Layers are handed down by `Stages`; records are taken when the drain does it, and are those of the right tile.
    """
    rng = np.random.default_rng(seed)
    images = Images()
    tiles = [random_tile(rng, images) for _ in range(12)]
    m, path, stages = staged(images, CFG)
    issued, records = [], []

    async def start(ctx):
        await start_tiles(ctx, path, stages, tiles, CFG)
        await ctx.tick().repeat(record_lag(CFG) + 1)

    async def observe(ctx):
        cycle, due = 0, []
        while True:
            if ctx.get(path.taps.valid):
                issued.append((cycle, ctx.get(path.taps.payload)))
                if issued[-1][1].capture:
                    due.append(cycle + record_lag(CFG) - 1)
            ctx.set(path.parameters.ready, cycle in due)
            if cycle in due and ctx.get(path.parameters.valid):
                records.append(ctx.get(path.parameters.payload))
            assert not (ctx.get(path.bad_code) or ctx.get(path.weight_range) or ctx.get(path.address_range))
            await ctx.tick()
            cycle += 1

    simulate(m, start, background=[observe], cycles=20_000)
    place, last = 0, None
    for tile in tiles:
        taps = issued[place:place + len(tile.expected)]
        assert all(matches(tap, want) for (_, tap), want in zip(taps, tile.expected, strict=True))
        assert taps[-1][0] - taps[0][0] == channel_cycles(CFG, tile.taps)
        assert last is None or taps[0][0] == last + tile_gap_cycles(CFG)
        place, last = place + len(taps), taps[-1][0]
    assert place == len(issued)
    check_records(records, tiles)


def random_tile(rng, images):
    """A tile of any kind whose taps take long enough for the next one's tables to be there."""
    kind = rng.integers(4)
    if kind == 0:
        return make_tile(rng, CFG, images, None, window=True, channels_out=int(rng.integers(6, 12)),
                         places=int(rng.integers(1, 10)))
    shape = (int(rng.integers(6, 12)), int(rng.integers(1, 6)), int(rng.integers(1, 10)))
    return make_tile(rng, CFG, images, sparse(rng, shape, [0, 1.0, 0.4, 0.1][kind]), dense=bool(kind == 1))


@pytest.mark.parametrize("groups, shape, density", [(2, (6, 3, 9), 0.5), (8, (8, 1, 9), 0.8), (3, (12, 2, 1), 1.0)])
def test_groups(groups, shape, density):
    run_tiles(lambda rng, images: [make_tile(rng, CFG, images, sparse(rng, shape, density), groups=groups)], CFG,
              seed=3)


@pytest.mark.parametrize("banks", [1, 8, 16])
def test_other_banks(banks):
    cfg = EngineConfig(banks=banks, activation_words=64, weight_words=300, value_symbols=64, run_symbols=64)
    run_tiles(lambda rng, images: [make_tile(rng, cfg, images, sparse(rng, (4, 5, 9), 0.4)) for _ in range(3)], cfg)


def longest_codes(rng, channels: int, taps: int, inputs: int, places: int):
    """Weights, and streams for them in which every code has 8 bits."""
    group = inputs * places
    chosen = [np.sort(rng.choice(group, taps, replace=False)) + channel * group for channel in range(channels)]
    where = np.concatenate(chosen)
    weights = np.zeros(channels * group, np.int8)
    weights[where] = rng.choice([-1, 1], len(where)) * rng.integers(1, 128, len(where))
    runs = np.append(np.diff(where, prepend=-1) - 1, channels * group - 1 - where[-1])
    assert runs.max() < 256
    bytes_code = [PrefixCode.of(np.arange(256) - low, np.ones(256)) for low in (128, 0)]
    value_code, run_code = bytes_code
    encoded = EncodedLayer(
        dense=False, raw_values=False, value_bits=value_code.bits_of(np.append(weights[where], 0)),
        run_bits=run_code.bits_of(runs), value_table=tuple(value_code.alphabet.tolist()),
        run_table=tuple(((run + 1) // places) << 6 | (run + 1) % places for run in range(256)),
        code_words=tuple({"value_limit": v, "value_offset": vo, "run_limit": r, "run_offset": ro}
                         for v, vo, r, ro in zip(value_code.limits, value_code.offsets, run_code.limits,
                                                 run_code.offsets)),
        taps=np.full(channels, taps), fillers=0, entropy_bits=0)
    assert encoded.coded_bits == 16 * (channels * taps + 1)
    return weights.reshape(channels, inputs, places), encoded


@pytest.mark.parametrize("channels, taps, inputs", [(24, 8, 12), (2, 150, 12), (12, 3, 4)])
def test_longest_codes_leave_no_gap(channels, taps, inputs):
    """A record of parameters per channel, and 8 taps a channel: the most that the weight memory must give."""
    def make(rng, images):
        weights, encoded = longest_codes(rng, channels, taps, inputs, 25)
        tile = make_tile(rng, CFG, images, weights, encoded=encoded)
        assert channel_cycles(CFG, tile.taps) == max(taps, 8) * channels
        return [tile, tile]
    run_tiles(make, CFG)


def test_longest_codes_with_wide_accumulators():
    cfg = EngineConfig(banks=4, activation_words=64, weight_words=2600, value_symbols=512, run_symbols=256,
                       accumulator_bits=32)

    def make(rng, images):
        weights, encoded = longest_codes(rng, 20, 8, 12, 25)
        return [make_tile(rng, cfg, images, weights, encoded=encoded)]
    run_tiles(make, cfg)


@pytest.mark.parametrize("cfg", [CFG, TWO], ids=["one", "two"])
def test_memories_can_be_written(cfg):
    """The same layer, once its images come through the ports."""
    rng = np.random.default_rng(7)
    images = Images()
    tile = make_tile(rng, cfg, images, sparse(rng, (5, 6, 9), 0.3))
    dut = TapPath(cfg)

    async def bench(ctx):
        for port, image in ((dut.weight_write, images.weights), (dut.value_write, images.values),
                            (dut.run_write, images.runs)):
            for address, word in enumerate(image):
                ctx.set(port.payload, {"address": address, "data": word})
                ctx.set(port.valid, 1)
                await ctx.tick()
            ctx.set(port.valid, 0)
        await tile_run(dut, cfg, tile, 1)(ctx)
    simulate(dut, bench)


@pytest.mark.parametrize("cfg", [CFG, TWO], ids=["one", "two"])
def test_scan_reads_every_memory(cfg):
    rng = np.random.default_rng(8)
    images = {ScanSelect.WEIGHT: rng.integers(WORD, size=CFG.weight_words).tolist(),
              ScanSelect.VALUE: rng.integers(1 << 8, size=CFG.value_symbols).tolist(),
              ScanSelect.RUN: rng.integers(1 << 17, size=CFG.run_symbols).tolist()}
    cycles = scan_cycles(CFG)
    dut = TapPath(cfg, weights=images[ScanSelect.WEIGHT], values=images[ScanSelect.VALUE], runs=images[ScanSelect.RUN])

    async def bench(ctx):
        for select, image in images.items():
            step = max(1, len(image) // 100)
            addresses = [*range(0, len(image), step), len(image) - 1]
            ctx.set(dut.scan.select, select)
            for cycle in range(len(addresses) + cycles):
                if cycle < len(addresses):
                    ctx.set(dut.scan.address, addresses[cycle])
                if cycle >= cycles:
                    assert ctx.get(dut.scan.data) == image[addresses[cycle - cycles]]
                await ctx.tick()
    simulate(dut, bench)


def small_tile(seed=9, **options):
    rng = np.random.default_rng(seed)
    images = Images()
    return make_tile(rng, CFG, images, sparse(rng, (3, 4, 9), 0.4), dense=False, **options), images


def test_no_error_in_a_sound_tile():
    assert errors_of(*small_tile(), CFG) == set()


@pytest.mark.parametrize("limit", ["value_limit", "run_limit"])
def test_invalid_code(limit):
    tile, images = small_tile()
    fields = [{name: word[name] for name, _ in CODE_WORD} for word in map(CODE_WORD.from_bits, tile.code_words)]
    tile.code_words = [packed(CODE_WORD, word | {limit: 0}) for word in fields]
    assert "bad_code" in errors_of(tile, images, CFG)


@pytest.mark.parametrize("name", ["value_address", "run_address", "parameter_address"])
def test_stream_past_the_end_of_the_memory(name):
    tile, images = small_tile(form=ParameterForm.FULL)
    first = CFG.weight_words - 1
    images.weights += [0] * (first - len(images.weights)) + [WORD // 3]
    tile.layer[name] = first
    tile.layer["value_table"] = tile.layer["run_table"] = 0
    assert "weight_range" in errors_of(tile, images, CFG)


def test_stream_may_end_with_the_memory():
    """The look-ahead of the decoder beyond its last bit is no error."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        weights = sparse(rng, (3, 4, 9), 0.4)
        trial = Images()
        make_tile(rng, CFG, trial, weights, dense=False, form=ParameterForm.CONSTANT)
        images = Images([0] * (CFG.weight_words - len(trial.weights)))
        tile = make_tile(rng, CFG, images, weights, dense=False, form=ParameterForm.CONSTANT)
        assert len(images.weights) == CFG.weight_words
        assert errors_of(tile, images, CFG) == set()


def test_activation_address_out_of_range():
    tile, images = small_tile()
    slots = [{"address": CFG.activation_words - 2, "rows": CFG.banks}] * 4
    tile.instruction["slots"] = slots
    assert errors_of(tile, images, CFG) == {"address_range"}
    tile.instruction["slots"] = [slot | {"rows": 0} for slot in slots]      # a row that does not exist is not read
    assert errors_of(tile, images, CFG) == set()


def test_kernel_place_out_of_range():
    tile, images = small_tile()
    images.runs = [entry | 0x3f for entry in images.runs]
    assert "address_range" in errors_of(tile, images, CFG)


def test_lint():
    lint(TapPath(CFG))
