# amaranth: UnusedElaboratable=no
"""CreditQueue against a list."""

import random
from collections import deque

import pytest

from firelane.hw.blocks.credit_queue import CreditQueue
from tests.hw.support import lint, simulate


@pytest.mark.parametrize("delay, ready", [(1, 1.0), (5, 0.5), (3, 0.1)])
def test_order_and_room(delay, ready):
    rng = random.Random(delay)
    dut = CreditQueue(8, depth=8, low=3)

    async def bench(ctx):
        under_way, stored, taken = deque([None] * delay), deque(), 0
        for number in range(300):
            held = len(stored) + sum(word is not None for word in under_way)
            assert ctx.get(dut.room) == (held < 7) and ctx.get(dut.empty) == (held == 0)
            assert ctx.get(dut.few) == (held < 3)
            reserve = held < 8 and rng.random() < 0.9
            under_way.append(number & 0xff if reserve else None)
            word = under_way.popleft()
            ctx.set(dut.reserve, reserve)
            ctx.set(dut.write.valid, word is not None)
            ctx.set(dut.write.payload, word or 0)
            ctx.set(dut.o.ready, rng.random() < ready)
            clear = number % 100 == 99
            ctx.set(dut.clear, clear)
            leaves = ctx.get(dut.o.valid) and ctx.get(dut.o.ready)
            if ctx.get(dut.o.valid):
                assert ctx.get(dut.o.payload) == stored[0]
            await ctx.tick()
            if leaves:
                stored.popleft()
                taken += 1
            if word is not None:
                stored.append(word)
            if clear:
                stored.clear()
                under_way = deque([None] * delay)
        assert taken > 20
    simulate(dut, bench)


def test_released_places_are_free_again():
    """Places that were reserved for what does not come."""
    rng = random.Random(3)
    dut = CreditQueue(8, depth=8, low=3)

    async def bench(ctx):
        for _ in range(40):
            stored = rng.randrange(5)
            ctx.set(dut.o.ready, 0)
            for number in range(stored + rng.randrange(4)):
                ctx.set(dut.reserve, 1)
                ctx.set(dut.write.valid, number < stored)
                await ctx.tick()
            ctx.set(dut.reserve, 0)
            ctx.set(dut.write.valid, 0)
            leaves = stored > 2 and rng.randrange(2)
            ctx.set(dut.o.ready, leaves)
            ctx.set(dut.release, 1)
            await ctx.tick()
            ctx.set(dut.release, 0)
            ctx.set(dut.o.ready, 1)
            assert ctx.get(dut.empty) == (stored == 0) and ctx.get(dut.few) == (stored - leaves < 3)
            await ctx.tick().repeat(stored + 2)
            assert ctx.get(dut.empty) and ctx.get(dut.room)
    simulate(dut, bench)


def test_latency_and_throughput():
    dut = CreditQueue(8, depth=4)

    async def bench(ctx):
        ctx.set(dut.o.ready, 1)
        for number in range(20):
            ctx.set(dut.write.valid, 1)
            ctx.set(dut.reserve, 1)
            ctx.set(dut.write.payload, number)
            assert ctx.get(dut.o.valid) == (number >= 2)
            if number >= 2:
                assert ctx.get(dut.o.payload) == number - 2
            await ctx.tick()
    simulate(dut, bench)


def test_constructor_error():
    with pytest.raises(ValueError, match=r"^depth must be a power of two, not 6$"):
        CreditQueue(8, depth=6)


@pytest.mark.parametrize("low", [0, 3])
def test_lint(low):
    lint(CreditQueue(8, depth=8, low=low))
