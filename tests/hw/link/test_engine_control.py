# amaranth: UnusedElaboratable=no
"""Operations on an engine's registers: what the bus sees, and that the engine does it."""

import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from firelane.hw.contract.instruction import Header
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.hw.contract.registers import CONTROL, Register
from firelane.hw.engine import Engine
from firelane.hw.link.command_processor import CommandProcessor
from firelane.hw.link.engine_control import EngineControl, Operation
from tests.hw.link.linked import CFG, PROGRAM, WEIGHTS
from tests.hw.support import lint, send, simulate


async def operate(ctx, dut, operation, argument=0):
    await send(ctx, dut.operation.request, {"operation": operation, "argument": argument})
    await ctx.tick().until(dut.operation.done)


def test_loading_writes_address_high_and_low():
    dut, seen = EngineControl(), []

    async def bench(ctx):
        await operate(ctx, dut, Operation.LOAD_ADDRESS, 0x10000003)
        await operate(ctx, dut, Operation.LOAD_WORD, 0xA12345678)
        await ctx.tick().repeat(2)

    async def watch(ctx):
        async for *_, write, address, value in ctx.tick().sample(dut.csr.write, dut.csr.address, dut.csr.write_data):
            if write:
                seen.append((address, value))

    simulate(dut, bench, background=[watch])
    assert seen == [(Register.LOAD_ADDRESS, 0x10000003), (Register.LOAD_HIGH, 0xA), (Register.LOAD_LOW, 0x12345678)]


@pytest.mark.parametrize("weights, checked", [(WEIGHTS, 1), ([0], 0)])
def test_check_start_and_stop(weights, checked):
    m = Module()
    m.submodules.engine = engine = Engine(CFG, MemoryContents(PROGRAM, weights))
    m.submodules.control = dut = EngineControl()
    connect(m, dut.csr, engine.csr)

    async def bench(ctx):
        for _ in range(2):
            await operate(ctx, dut, Operation.CHECK)
            await ctx.tick()
            status = ctx.get(dut.status)
            assert (status.checked, status.error, status.busy) == (checked, 1 - checked, 0)
            await operate(ctx, dut, Operation.READ, Register.PROGRAM_DIGEST)
            assert ctx.get(dut.operation.value) == checked * PROGRAM[Header.PROGRAM_CRC]
            if checked:
                await operate(ctx, dut, Operation.START)
                await ctx.tick().repeat(3)
                assert ctx.get(dut.status).busy
                await operate(ctx, dut, Operation.READ, Register.CONTROL)
                assert ctx.get(dut.operation.value) == CONTROL.const({}).as_value().value
        await operate(ctx, dut, Operation.STOP)
        await ctx.tick()
        status = ctx.get(dut.status)
        assert (status.idle, status.error, status.checked) == (1, 0, 0)

    simulate(m, bench)


def test_constructor_of_the_processor():
    with pytest.raises(ValueError, match="^patience_cycles must be at least 1, not 0$"):
        CommandProcessor(CFG, patience_cycles=0)


def test_lint():
    lint(EngineControl())
    lint(CommandProcessor(CFG, patience_cycles=9))
