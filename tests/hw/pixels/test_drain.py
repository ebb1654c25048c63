"""Drain: rows and parts of the banks, sums and parameters of the right channel, errors."""

import numpy as np
import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.pixels.drain import Drain
from tests.hw.support import lint, simulate

CLASSES = [(banks, k) for banks in (1, 2, 4) for k in range(banks.bit_length())]


def config(banks):
    return EngineConfig(banks=banks, activation_words=16)


async def run_channel(ctx, dut, hold, record, *, gap: int):
    """One capture; returns [(row, part, channel, first, last, sums, bias)] of its steps."""
    banks = len(hold)
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
        for n in range(14):
            ctx.set(dut.shifted[n], int(hold[cycle - 2, n]) if 2 <= cycle < 2 + banks else 0)
        if cycle >= 1 and ctx.get(dut.steps.valid):
            step = ctx.get(dut.steps.payload)
            steps.append((step.row, step.part, step.channel, step.first, step.last))
        if 3 <= cycle < 3 + len(steps):
            seen.append((*steps[cycle - 3], [ctx.get(dut.sums[n]) for n in range(14)], ctx.get(dut.parameters.bias)))
        await ctx.tick()
    return seen


@pytest.mark.parametrize("banks, k", CLASSES)
def test_order(banks, k):
    rng = np.random.default_rng(banks)
    dut = Drain(config(banks))

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
