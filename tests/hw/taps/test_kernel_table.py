"""KernelTable against a list."""

import random

from firelane.hw.contract.instruction import KERNEL_ENTRY, KERNEL_ENTRY_BITS
from firelane.hw.taps.kernel_table import KernelTable
from tests.hw.support import lint, simulate


def test_every_place():
    rng = random.Random(2)
    entries = [rng.getrandbits(KERNEL_ENTRY.size) for _ in range(64)]
    dut = KernelTable()

    async def bench(ctx):
        ctx.set(dut.write.valid, 1)
        for index in range(32):
            low, high = entries[2 * index:2 * index + 2]
            ctx.set(dut.write.payload, {"index": index, "data": low | high << KERNEL_ENTRY_BITS})
            await ctx.tick()
        ctx.set(dut.write.valid, 0)
        for place in rng.sample(range(64), 64):
            ctx.set(dut.place, place)
            await ctx.tick()
            assert ctx.get(dut.entry).as_bits() == entries[place]
    simulate(dut, bench)


def test_lint():
    lint(KernelTable())
