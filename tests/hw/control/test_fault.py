"""The first error wins."""

import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.control.fault import FaultRecorder
from tests.hw.support import lint, simulate

CFG = EngineConfig(banks=1, program_words=64)


def test_lint():
    lint(FaultRecorder(CFG))


@pytest.mark.parametrize("raised, of_load, code, pc", [
    ([ErrorCode.BAD_CODE], 0, ErrorCode.BAD_CODE, 11),
    ([ErrorCode.BAD_CODE, ErrorCode.WEIGHT_RANGE], 0, ErrorCode.BAD_CODE, 11),
    ([ErrorCode.IMAGE_SHORT], 0, ErrorCode.IMAGE_SHORT, 22),
    ([ErrorCode.IMAGE_LONG], 0, ErrorCode.IMAGE_LONG, 22),
    ([ErrorCode.ADDRESS_RANGE], 0, ErrorCode.ADDRESS_RANGE, 11),
    ([ErrorCode.ADDRESS_RANGE], 1, ErrorCode.ADDRESS_RANGE, 22),
])
def test_first_error_is_kept(raised, of_load, code, pc):
    dut = FaultRecorder(CFG)

    async def bench(ctx):
        ctx.set(dut.pc, 11)
        ctx.set(dut.load_pc, 22)
        ctx.set(dut.raised, 1 << ErrorCode.NONE)
        await ctx.tick()
        assert not ctx.get(dut.halt)
        ctx.set(dut.raised, sum(1 << error for error in raised))
        ctx.set(dut.load_address, of_load)
        await ctx.tick()
        ctx.set(dut.load_address, 0)
        ctx.set(dut.raised, 1 << ErrorCode.BAD_INSTRUCTION)
        ctx.set(dut.pc, 33)
        await ctx.tick()
        assert ctx.get(dut.halt)
        assert (ctx.get(dut.code), ctx.get(dut.error_pc)) == (code, pc)

    simulate(dut, bench)
