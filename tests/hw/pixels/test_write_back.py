"""Write back against NumPy: every class change, subsampling phase and destination."""

import numpy as np
import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Destination
from firelane.hw.contract.timing import KEPT_LAG, REQUANTIZE_LATENCY, SUMS_LAG
from firelane.hw.pixels.write_back import WriteBack
from tests.hw import maps
from tests.hw.support import lint, simulate

WORDS = 20
CLASSES = [(banks, k) for banks in (1, 2, 4) for k in range(banks.bit_length())]


def config(banks):
    return EngineConfig(banks=banks, activation_words=WORDS)


def drain_order(banks, k):
    return [(row, part) for row in range(banks >> k) for part in range(1 << k)]


async def drive(ctx, dut, steps, pixels):
    """Present `steps` one a cycle and their pixels when they are due; return what is kept, a record a step."""
    lag, later = SUMS_LAG + REQUANTIZE_LATENCY, KEPT_LAG + REQUANTIZE_LATENCY
    kept = []
    for cycle in range(len(steps) + later + 1):
        if cycle >= later and cycle - later < len(steps):
            assert ctx.get(dut.kept.valid)
            kept.append((ctx.get(dut.kept.payload), ctx.get(dut.write_valid), ctx.get(dut.address_range)))
        else:
            assert not ctx.get(dut.kept.valid) and not ctx.get(dut.write_valid)
        ctx.set(dut.steps.valid, cycle < len(steps))
        if cycle < len(steps):
            ctx.set(dut.steps.payload, steps[cycle])
        if 0 <= cycle - lag < len(steps):
            ctx.set(dut.pixels.as_value(), maps.pack(pixels[cycle - lag]))
        await ctx.tick()
    return kept


def step(row=0, part=0, channel=0, first=0, last=0, single=0):
    return {"row": row, "part": part, "channel": channel, "first": first, "last": last, "single": single}


def apply(memory, kept):
    """Write what was kept into `memory`."""
    for word, write, wrong in kept:
        assert not wrong
        if write:
            data = maps.unpack(word.data, 14)
            for n in range(14):
                if word.enable >> n & 1:
                    memory[word.bank, word.address, n] = data[n]


@pytest.mark.parametrize("banks, k", CLASSES)
@pytest.mark.parametrize("subsample", [0, 1])
def test_memory(banks, k, subsample):
    rng = np.random.default_rng(banks * 10 + k)
    dut = WriteBack(config(banks))

    async def bench(ctx):
        for out_k in range(banks.bit_length()):
            out_rows = banks >> out_k
            row = int(rng.integers(out_rows))
            count = int(rng.integers(out_rows - row + 1))
            row_phase, column_phase = (int(n) for n in rng.integers(0, 2, 2))
            address, channel = int(rng.integers(10)), int(rng.integers(10))
            pixels = rng.integers(0, 256, (banks, 14))
            for name, value in (("parts_log2", k), ("out_parts_log2", out_k), ("subsample", subsample),
                                ("row_phase", row_phase), ("column_phase", column_phase)):
                ctx.set(getattr(dut.layer, name), value)
            ctx.set(dut.tile, {"address": address, "row": row, "rows": count})
            order = drain_order(banks, k)
            kept = await drive(ctx, dut, [step(r, q, channel) for r, q in order],
                               [pixels[r + q * (banks >> k)] for r, q in order])
            want, seen = np.full((2, banks, WORDS, 14), -1)
            apply(seen, kept)
            rows = maps.output_rows(pixels, k, subsample, row_phase, column_phase)
            maps.write_rows(want, rows, address + channel, row, count, out_k)
            assert np.array_equal(seen, want), (out_k, row, count, row_phase, column_phase)

    simulate(dut, bench)


@pytest.mark.parametrize("banks, k", CLASSES)
@pytest.mark.parametrize("subsample", [0, 1])
def test_average(banks, k, subsample):
    """The enabled pixels add up to those of the rows and columns that exist."""
    rng = np.random.default_rng(banks * 10 + k)
    dut = WriteBack(config(banks))

    async def bench(ctx):
        for _ in range(3):
            columns, count = int(rng.integers(14 << k)), int(rng.integers(banks + 1))
            row_phase, column_phase = (int(n) for n in rng.integers(0, 2, 2))
            pixels = rng.integers(0, 256, (banks, 14))
            for name, value in (("parts_log2", k), ("out_columns", columns), ("subsample", subsample),
                                ("row_phase", row_phase), ("column_phase", column_phase),
                                ("destination", Destination.AVERAGE)):
                ctx.set(getattr(dut.layer, name), value)
            ctx.set(dut.tile.rows, count)
            order = drain_order(banks, k)
            kept = await drive(ctx, dut, [step(r, q) for r, q in order],
                               [pixels[r + q * (banks >> k)] for r, q in order])
            seen = sum(int(maps.unpack(word.data, 14)[n]) for word, _, _ in kept for n in range(14)
                       if word.enable >> n & 1)
            assert not any(write for _, write, _ in kept)
            rows = maps.output_rows(pixels, k, subsample, row_phase, column_phase)
            assert seen == rows[:count, :columns].sum()

    simulate(dut, bench)


def test_single_and_range():
    dut = WriteBack(config(4))

    async def bench(ctx):
        ctx.set(dut.tile, {"address": 17, "row": 2, "rows": 4})
        ctx.set(dut.layer.subsample, 1)
        ctx.set(dut.layer.column_phase, 1)
        kept = await drive(ctx, dut, [step(channel=n, single=1) for n in range(5)], [[n] + [99] * 13 for n in range(5)])
        assert [(word.bank, word.enable, word.data & 255) for word, _, _ in kept] == [(2, 1, n) for n in range(5)]
        assert [word.address for word, write, _ in kept if write] == [17, 18, 19]
        assert [wrong for _, _, wrong in kept] == [0, 0, 0, 1, 1]

    simulate(dut, bench)


def test_lint():
    for banks in (1, 2, 4, 8):
        lint(WriteBack(config(banks)))
