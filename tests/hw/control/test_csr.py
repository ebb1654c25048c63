"""CSR map and load port."""

import random

import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import FORMAT_VERSION, MAGIC
from firelane.hw.contract.registers import CONTROL, ERROR, LOAD_ADDRESS, STATUS, LoadTarget, Register
from firelane.hw.control.counters import EVENTS
from firelane.hw.control.csr import Csr
from tests.hw.support import lint, simulate

CFG = EngineConfig(banks=1, program_words=64)


async def read(ctx, dut, number):
    ctx.set(dut.bus.address, number)
    await ctx.tick()
    return ctx.get(dut.bus.read_data)


async def write(ctx, dut, number, value):
    ctx.set(dut.bus.address, number)
    ctx.set(dut.bus.write_data, value)
    ctx.set(dut.bus.write, 1)
    await ctx.tick()
    ctx.set(dut.bus.write, 0)


def test_lint():
    lint(Csr(CFG))


def test_layouts_fit_a_register():
    for layout in (CONTROL, STATUS, ERROR, LOAD_ADDRESS):
        assert layout.size <= 32


def test_every_register_reads_what_it_shows():
    dut = Csr(CFG)
    rng = random.Random(1)
    counts = {name: rng.randrange(1 << 32) for name in ("cycles", *EVENTS)}

    async def bench(ctx):
        ctx.set(dut.status, {"busy": 1, "checked": 1, "refused": 1})
        ctx.set(dut.error, ErrorCode.IMAGE_LONG)
        ctx.set(dut.error_pc, 37)
        ctx.set(dut.frames, 1234)
        ctx.set(dut.program_digest, 0xFEDCBA98)
        ctx.set(dut.last, counts)
        assert await read(ctx, dut, Register.IDENTITY) == MAGIC << 8 | FORMAT_VERSION
        assert await read(ctx, dut, Register.CONFIG_DIGEST) == CFG.digest
        assert await read(ctx, dut, Register.STATUS) == 0b10101
        assert await read(ctx, dut, Register.ERROR) == 15 | 37 << 16
        assert await read(ctx, dut, Register.FRAMES) == 1234
        for offset, name in enumerate(("cycles", *EVENTS)):
            assert await read(ctx, dut, Register.FRAME_CYCLES + offset) == counts[name]
        assert await read(ctx, dut, Register.PROGRAM_DIGEST) == 0xFEDCBA98
        for number in (Register.LOAD_LOW, 13, 255):
            assert await read(ctx, dut, number) == 0

    simulate(dut, bench)


@pytest.mark.parametrize("auto_run", [False, True])
def test_control(auto_run):
    dut = Csr(CFG, auto_run=auto_run)

    async def bench(ctx):
        assert ctx.get(dut.run) == auto_run
        await write(ctx, dut, Register.CONTROL, 0b01)
        assert (ctx.get(dut.run), ctx.get(dut.reset)) == (1, 0)
        await write(ctx, dut, Register.CONTROL, 0b10)
        assert (ctx.get(dut.run), ctx.get(dut.reset)) == (0, 1)
        await ctx.tick()
        assert ctx.get(dut.reset) == 0
        await write(ctx, dut, Register.STATUS, 0xFFFFFFFF)
        assert await read(ctx, dut, Register.CONTROL) == 0

    simulate(dut, bench)


def test_load_registers_are_passed_on():
    dut = Csr(CFG)

    async def bench(ctx):
        ctx.set(dut.bus.write, 1)
        ctx.set(dut.bus.write_data, 2 << 28 | 77)
        ctx.set(dut.bus.address, Register.LOAD_ADDRESS)
        assert ctx.get(dut.load.address_valid)
        place = LOAD_ADDRESS.from_bits(ctx.get(dut.load.data))
        assert (place.address, place.target) == (77, LoadTarget.VALUE)
        assert not ctx.get(dut.load.low_valid)
        ctx.set(dut.bus.address, Register.LOAD_HIGH)
        assert ctx.get(dut.load.high_valid)
        ctx.set(dut.bus.address, Register.LOAD_LOW)
        assert ctx.get(dut.load.low_valid)
        assert ctx.get(dut.load.data) == 2 << 28 | 77
        await ctx.tick()

    simulate(dut, bench)
