"""KernelTable against a list."""

import random

import pytest

from firelane.hw.contract.instruction import KERNEL_ENTRY, KERNEL_ENTRY_BITS
from firelane.hw.taps.kernel_table import KernelTable
from tests.hw.support import lint, simulate


@pytest.mark.parametrize("readers", [1, 2])
def test_every_place(readers):
    rng = random.Random(2)
    tables = [[rng.getrandbits(KERNEL_ENTRY.size) for _ in range(64)] for _ in range(2)]
    dut = KernelTable(readers)

    async def bench(ctx):
        ctx.set(dut.write.valid, 1)
        for number, entries in enumerate(tables):
            ctx.set(dut.write_table, number)
            for index in range(32):
                low, high = entries[2 * index:2 * index + 2]
                ctx.set(dut.write.payload, {"index": index, "data": low | high << KERNEL_ENTRY_BITS})
                await ctx.tick()
        ctx.set(dut.write.valid, 0)
        for place in rng.sample(range(128), 128):
            ctx.set(dut.table, place // 64)
            ctx.set(dut.place, place % 64)
            other = rng.randrange(64)
            if readers == 2:
                ctx.set(dut.second_place, other)
            await ctx.tick()
            assert ctx.get(dut.entry).as_bits() == tables[place // 64][place % 64]
            if readers == 2:
                assert ctx.get(dut.second_entry).as_bits() == tables[place // 64][other]
    simulate(dut, bench)


@pytest.mark.parametrize("readers", [1, 2])
def test_lint(readers):
    lint(KernelTable(readers))
