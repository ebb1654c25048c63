"""Drain: rows and parts of the banks, sums and parameters of the right channel, errors."""

import numpy as np
import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Source
from firelane.hw.pixels.drain import Drain
from tests.hw.support import lint, simulate

CLASSES = [(banks, k) for banks in (1, 2, 4) for k in range(banks.bit_length())]


def config(banks, taps_per_cycle=1):
    return EngineConfig(banks=banks, activation_words=16, taps_per_cycle=taps_per_cycle)


def show(ctx, dut, hold, cycle):
    """What the lanes shift out, so many cycles after the first bank; of two chains each moves every second cycle."""
    banks, chains = len(hold), (dut.shifted, dut.odd_shifted) if hasattr(dut, "odd_shifted") else (dut.shifted,)
    for number, chain in enumerate(chains):
        bank = cycle // len(chains) * len(chains) + number
        for n in range(14):
            ctx.set(chain[n], int(hold[bank, n]) if cycle >= 0 and bank < banks else 0)


async def run_channel(ctx, dut, hold, record, *, gap: int):
    """One capture; returns [(row, part, channel, first, last, sums, bias)] of its steps."""
    steps, seen = [], []
    ctx.set(dut.start, 1)
    for cycle in range(gap):
        if cycle == 1:
            ctx.set(dut.start, 0)
            ctx.set(dut.records.valid, record is not None)
            if record is not None:
                ctx.set(dut.records.payload, record)
        if cycle == 2:
            ctx.set(dut.records.valid, 0)
        show(ctx, dut, hold, cycle - 2)
        if cycle >= 1 and ctx.get(dut.steps.valid):
            step = ctx.get(dut.steps.payload)
            steps.append((step.row, step.part, step.channel, step.first, step.last))
        if 3 <= cycle < 3 + len(steps):
            seen.append((*steps[cycle - 3], [ctx.get(dut.sums[n]) for n in range(14)], ctx.get(dut.parameters.bias)))
        await ctx.tick()
    return seen


@pytest.mark.parametrize("banks, k", CLASSES)
@pytest.mark.parametrize("taps", [1, 2])
def test_order(banks, k, taps):
    rng = np.random.default_rng(banks)
    dut = Drain(config(banks, taps))

    async def bench(ctx):
        ctx.set(dut.layer.parts_log2, k)
        ctx.set(dut.restart, 1)
        await ctx.tick()
        ctx.set(dut.restart, 0)
        for channel in range(4):
            hold = rng.integers(-(1 << 23), 1 << 23, (banks, 14))
            record = {"bias": 1000 + channel, "multiplier": 1 << 15, "shift": 16}
            seen = await run_channel(ctx, dut, hold, record, gap=max(8, banks + 3))
            rows = banks >> k
            want = [(bank % rows, bank // rows, channel, int(bank == 0), int(bank == banks - 1),
                     hold[bank].tolist(), 1000 + channel) for bank in range(banks)]
            assert seen == want
            assert not ctx.get(dut.underrun) and not ctx.get(dut.overrun)

    simulate(dut, bench)


def blocks_of(hold, bank, merges_rows):
    """What a step makes of two banks: the largest of two columns, also of both rows, or for each bank apart."""
    columns = hold[bank:bank + 2].reshape(2, 7, 2).max(axis=2)
    return columns.max(axis=0).tolist() if merges_rows else columns.T.ravel().tolist()


@pytest.mark.parametrize("banks, k", [case for case in CLASSES if case[0] > 1])
def test_blocks(banks, k):
    """Channels one behind the other: two banks a cycle, from the cycle after `start` on."""
    rng, dut = np.random.default_rng(banks), Drain(config(banks, 2))
    channels, steps_each, rows = 4, banks // 2, banks >> k
    holds = rng.integers(0, 256, (channels, banks, 14))
    holds[rng.random(holds.shape) < 0.2] = 255
    steps, seen = [], []

    async def bench(ctx):
        ctx.set(dut.layer, {"source": Source.WINDOW, "dense": 1, "parts_log2": k, "bias": 9})
        ctx.set(dut.use_constants, 1)
        await ctx.tick().repeat(2)
        await ctx.tick()
        for cycle in range(channels * steps_each + 3):
            ctx.set(dut.start, cycle % steps_each == 0 and cycle < channels * steps_each)
            channel, step = divmod(cycle - 1, steps_each)
            for number, chain in enumerate((dut.shifted, dut.odd_shifted)):
                for n in range(14):
                    ctx.set(chain[n], int(holds[channel, 2 * step + number, n]) if 0 <= channel < channels else 0)
            if ctx.get(dut.steps.valid):
                payload = ctx.get(dut.steps.payload)
                steps.append((payload.row, payload.part, payload.channel, payload.first, payload.last))
            if cycle >= 3:
                sums = [ctx.get(dut.sums[n]) for n in range(14)]
                seen.append(sums[::2] if rows > 1 else sums)
                assert ctx.get(dut.parameters.bias) == 9
            assert not ctx.get(dut.overrun)
            await ctx.tick()

    simulate(dut, bench)
    order = [(channel, 2 * step) for channel in range(channels) for step in range(steps_each)]
    assert steps == [(bank % rows, bank // rows, channel, int(bank == 0), int(bank == banks - 2))
                     for channel, bank in order]
    assert seen == [blocks_of(holds[channel], bank, rows > 1) for channel, bank in order]


def test_underrun_marks_nothing_valid():
    dut = Drain(config(2))
    errors = []

    async def bench(ctx):
        hold = np.ones((2, 14), int)
        assert not await run_channel(ctx, dut, hold, None, gap=8)
        assert await run_channel(ctx, dut, hold, {"bias": 5, "multiplier": 1, "shift": 1}, gap=8)
        ctx.set(dut.use_constants, 1)
        assert await run_channel(ctx, dut, hold, None, gap=8)

    async def watch(ctx):
        async for *_, underrun in ctx.tick().sample(dut.underrun):
            errors.append(underrun)

    simulate(dut, bench, background=(watch,))
    assert sum(errors) == 1


@pytest.mark.parametrize("distance, wrong", [(3, 1), (4, 0), (5, 0)])
def test_overrun(distance, wrong):
    dut = Drain(config(4))
    errors = []

    async def bench(ctx):
        ctx.set(dut.use_constants, 1)
        for _ in range(2):
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            await ctx.tick().repeat(distance - 1)
        await ctx.tick().repeat(4)

    async def watch(ctx):
        async for *_, overrun in ctx.tick().sample(dut.overrun):
            errors.append(overrun)

    simulate(dut, bench, background=(watch,))
    assert sum(errors) == wrong


def test_lint():
    for banks in (1, 2, 4, 8):
        lint(Drain(config(banks)))
        lint(Drain(config(banks, 2)))
