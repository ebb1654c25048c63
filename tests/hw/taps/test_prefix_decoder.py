"""PrefixDecoder, for every window, against the definition in `hw.contract.instruction`."""

import numpy as np
import pytest

from firelane.compiler.coding.prefix_code import PrefixCode
from firelane.hw.contract.timing import PREFIX_CYCLES
from firelane.hw.taps.prefix_decoder import LengthFinder, PrefixDecoder
from tests.hw.support import lint, pauses, simulate, sink, source

CODES = {
    "one symbol": [5],
    "two symbols": [1, 1],
    "all of 8 bits": [1] * 256,
    "steep": [3 ** n for n in range(14)],
    "random": np.random.default_rng(1).integers(1, 10_000, 100).tolist(),
}


def defined(window: int, code: PrefixCode):
    """(length, symbol) by the text of CODE_WORD; None if the code is invalid."""
    bits = int(f"{window:08b}"[::-1], 2)
    for length, (limit, offset) in enumerate(zip(code.limits, code.offsets), start=1):
        if bits < limit:
            return length, ((bits >> (8 - length)) + offset) % 256
    return None


@pytest.mark.parametrize("name", CODES)
def test_every_symbol(name):
    code = PrefixCode.of(np.arange(len(CODES[name])), CODES[name])
    dut = PrefixDecoder()

    async def bench(ctx):
        ctx.set(dut.code, {"limit": list(code.limits), "offset": list(code.offsets)})
        for cycle in range(256 + PREFIX_CYCLES):
            if cycle < 256:
                ctx.set(dut.window, cycle)
                want = defined(cycle, code)
                ctx.set(dut.length_less_one, want[0] - 1 if want else 7)
            if cycle >= PREFIX_CYCLES:
                want = defined(cycle - PREFIX_CYCLES, code)
                assert ctx.get(dut.bad) == (want is None)
                assert ctx.get(dut.plain) == cycle - PREFIX_CYCLES
                assert want is None or ctx.get(dut.symbol) == want[1]
            await ctx.tick()
    simulate(dut, bench)


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("busy", [0, 3])
def test_every_length(name, busy):
    code = PrefixCode.of(np.arange(len(CODES[name])), CODES[name])
    rng = np.random.default_rng(busy)
    bits = rng.integers(0, 2, 9 * 41)
    chunks = [sum(bit << n for n, bit in enumerate(bits[first:first + 9].tolist())) for first in range(0, len(bits), 9)]
    dut, received = LengthFinder(), []

    async def set_up(ctx):
        ctx.set(dut.code, {"limit": list(code.limits), "offset": list(code.offsets)})
        await source(dut.i, chunks, wait=pauses(1, busy))(ctx)
        await ctx.tick().repeat(12)
        assert ctx.get(dut.empty)
    simulate(dut, set_up, sink(dut.o, 40, received, wait=pauses(2, busy)))
    for number, chunk in enumerate(received):       # the last chunk waits for one more
        assert chunk.bits == chunks[number]
        for place in range(9):
            window = int(sum(int(bit) << n for n, bit in enumerate(bits[9 * number + place:][:8])))
            want = defined(window, code)
            assert chunk.lengths[place] == (want[0] - 1 if want else 7)


def test_latency_and_clear():
    dut = LengthFinder()

    async def bench(ctx):
        ctx.set(dut.o.ready, 1)
        for _ in range(2):
            ctx.set(dut.i.valid, 1)
            for cycle in range(4):
                assert ctx.get(dut.o.valid) == (cycle == 3)     # 2 cycles after the second transfer
                await ctx.tick()
            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
    simulate(dut, bench)


@pytest.mark.parametrize("make", [PrefixDecoder, LengthFinder])
def test_lint(make):
    lint(make())
