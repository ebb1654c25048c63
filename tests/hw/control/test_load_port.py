"""Load port: targets, auto-increment, refusals."""

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.registers import LoadTarget
from firelane.hw.control.load_port import LoadPort
from tests.hw.support import lint, pulse, simulate

CFG = EngineConfig(banks=1, program_words=32, weight_words=48, value_symbols=16, run_symbols=20)
SIZES = {LoadTarget.PROGRAM: 32, LoadTarget.WEIGHT: 48, LoadTarget.VALUE: 16, LoadTarget.RUN: 20}


def valids(dut):
    return {target: getattr(dut, target.name.lower()).valid for target in LoadTarget}


async def put(ctx, dut, valid, value):
    ctx.set(dut.load.data, value)
    await pulse(ctx, valid)


def test_lint():
    lint(LoadPort(CFG))


def test_words_go_to_their_memory_up_to_its_end():
    dut = LoadPort(CFG)

    async def bench(ctx):
        for target, size in SIZES.items():
            await put(ctx, dut, dut.load.address_valid, size - 3 | target.value << 28)
            for n in range(5):
                word = (n + 9) << 32 | n * 0x1234567
                await put(ctx, dut, dut.load.high_valid, word >> 32)
                await put(ctx, dut, dut.load.low_valid, word & 0xFFFFFFFF)
                taken = n < 3
                assert (ctx.get(dut.written), ctx.get(dut.refused)) == (taken, not taken)
                for other, valid in valids(dut).items():
                    assert ctx.get(valid) == (taken and other is target)
                if taken:
                    written = ctx.get(getattr(dut, target.name.lower()).payload)
                    assert (written.address, written.data) == (size - 3 + n, word)
                await ctx.tick()
                assert (ctx.get(dut.written), ctx.get(dut.refused)) == (0, 0)

    simulate(dut, bench)


def test_nothing_is_written_while_running():
    dut = LoadPort(CFG)

    async def bench(ctx):
        ctx.set(dut.running, 1)
        await put(ctx, dut, dut.load.low_valid, 5)
        assert (ctx.get(dut.written), ctx.get(dut.refused)) == (0, 1)
        assert not any(ctx.get(valid) for valid in valids(dut).values())

    simulate(dut, bench)
