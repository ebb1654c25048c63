# amaranth: UnusedElaboratable=no
"""SymbolTable and PairTable against a list."""

import random

import pytest

from firelane.hw.contract.timing import TABLE_READ_CYCLES
from firelane.hw.taps.symbol_table import PairTable, SymbolTable
from tests.hw.support import lint, simulate


def test_reads_scans_and_writes():
    rng = random.Random(1)
    entries = [rng.getrandbits(17) for _ in range(90)]
    dut = SymbolTable(width=17, depth=100, init=entries)
    entries += [0] * 10

    async def bench(ctx):
        wanted = []
        for cycle in range(200):
            base, symbol, scan = rng.randrange(60), rng.randrange(40), rng.random() < 0.3
            address = rng.randrange(100)
            ctx.set(dut.base, base)
            ctx.set(dut.symbol, symbol)
            ctx.set(dut.scan, scan)
            ctx.set(dut.scan_address, address)
            wanted.append(entries[address if scan else base + symbol])
            if cycle >= TABLE_READ_CYCLES:
                assert ctx.get(dut.entry) == wanted[cycle - TABLE_READ_CYCLES]
            await ctx.tick()
        ctx.set(dut.scan, 1)
        for address in (0, 99, 127):        # the last is outside: ignored
            ctx.set(dut.write.payload, {"address": address, "data": address + 1})
            ctx.set(dut.write.valid, 1)
            await ctx.tick()
        ctx.set(dut.write.valid, 0)
        for address in (0, 99):
            ctx.set(dut.scan_address, address)
            await ctx.tick().repeat(TABLE_READ_CYCLES)
            assert ctx.get(dut.entry) == address + 1
    simulate(dut, bench)


def test_two_readers():
    rng = random.Random(2)
    entries = [rng.getrandbits(8) for _ in range(90)]
    dut = PairTable(width=8, depth=100, init=entries)
    entries += [0] * 10

    async def bench(ctx):
        ctx.set(dut.scan, 1)
        for address in (7, 99, 127, 0):     # one is outside: ignored
            ctx.set(dut.write.payload, {"address": address, "data": address + 1})
            ctx.set(dut.write.valid, 1)
            await ctx.tick()
            if address < 100:
                entries[address] = address + 1
        ctx.set(dut.write.valid, 0)
        await ctx.tick().repeat(2)
        wanted = []
        for cycle in range(300):
            base, first, second = rng.randrange(60), rng.randrange(40), rng.randrange(40)
            scan, address = rng.random() < 0.3, rng.randrange(100)
            for name, value in (("base", base), ("symbol", first), ("second_symbol", second), ("scan", scan),
                                ("scan_address", address)):
                ctx.set(getattr(dut, name), value)
            wanted.append((entries[address if scan else base + first], entries[base + second]))
            if cycle >= TABLE_READ_CYCLES:
                assert (ctx.get(dut.entry), ctx.get(dut.second_entry)) == wanted[cycle - TABLE_READ_CYCLES]
            await ctx.tick()
    simulate(dut, bench)


@pytest.mark.parametrize("table", [SymbolTable, PairTable])
def test_constructor_error(table):
    with pytest.raises(ValueError, match=r"^the image has 3 entries, the table 2$"):
        table(width=8, depth=2, init=[1, 2, 3])


@pytest.mark.parametrize("table", [SymbolTable, PairTable])
def test_lint(table):
    lint(table(width=8, depth=64))
