"""StreamRegister: everything in order, full rate, nothing lost when either side pauses."""

import random

import pytest

from firelane.hw.blocks.stream_register import StreamRegister
from tests.hw.support import lint, simulate


@pytest.mark.parametrize("offered, taken", [(1.0, 1.0), (0.5, 1.0), (1.0, 0.5), (0.5, 0.4), (0.4, 0.5)])
def test_order_and_rate(offered, taken):
    rng = random.Random(f"{offered} {taken}")
    dut = StreamRegister(8)
    sent, got = [rng.getrandbits(8) for _ in range(100)], []
    cycles = 0

    async def bench(ctx):
        nonlocal cycles
        waiting, next_one = False, 0
        while len(got) < len(sent):
            waiting = next_one < len(sent) and (waiting or rng.random() < offered)
            ctx.set(dut.i.valid, waiting)
            ctx.set(dut.i.payload, sent[next_one] if waiting else rng.getrandbits(8))
            ready_before = ctx.get(dut.i.ready)
            ctx.set(dut.o.ready, rng.random() < taken)
            assert ctx.get(dut.i.ready) == ready_before         # a register
            if ctx.get(dut.o.valid) and ctx.get(dut.o.ready):
                got.append(ctx.get(dut.o.payload))
            if waiting and ready_before:
                waiting, next_one = False, next_one + 1
            cycles += 1
            await ctx.tick()

    simulate(dut, bench)
    assert got == sent
    if offered == taken == 1.0:
        assert cycles == len(sent) + 1


def test_lint():
    lint(StreamRegister(9))
