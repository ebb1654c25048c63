# amaranth: UnusedElaboratable=no
"""Program memory: latency, writes, limits."""

import re

import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.timing import PROGRAM_LATENCY
from firelane.hw.control.program_memory import ProgramMemory
from tests.hw.support import lint, simulate

CFG = EngineConfig(banks=1, program_words=64)


def test_too_long_a_program_is_refused():
    with pytest.raises(ValueError, match=re.escape("a program of 65 words does not fit 64")):
        ProgramMemory(CFG, init=[0] * 65)


def test_lint():
    lint(ProgramMemory(CFG))


def test_a_word_per_cycle_after_the_latency():
    words = [(n * 0x123456789) % (1 << 36) for n in range(64)]
    dut = ProgramMemory(CFG, init=words[:32])

    async def bench(ctx):
        for n in range(32, 64):
            ctx.set(dut.write.valid, 1)
            ctx.set(dut.write.payload, {"address": n, "data": words[n]})
            await ctx.tick()
        ctx.set(dut.write.valid, 0)
        for n in range(64 + PROGRAM_LATENCY):
            ctx.set(dut.read.address, n % 64)
            if n >= PROGRAM_LATENCY:
                assert ctx.get(dut.read.data) == words[n - PROGRAM_LATENCY]
            await ctx.tick()

    simulate(dut, bench)
