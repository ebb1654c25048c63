"""Stages: when each part of the engine gets its instruction."""

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.timing import PIXELS_LAG
from firelane.hw.control.stages import Stages
from tests.hw.support import lint, pulse, simulate

CFG = EngineConfig(banks=2)
PARTS = ("decode", "address", "pixels")


def at_work(ctx, dut):
    """Program words of the instructions in the three parts."""
    return [ctx.get(getattr(dut, part)).pc for part in PARTS]


async def start(ctx, dut, pc, name="tile_start"):
    ctx.set(dut.coming, {"pc": pc, "tile": {"address": pc + 1}, "layer": {"pad": pc + 2}, "table": pc & 1})
    await pulse(ctx, getattr(dut, name))
    ctx.set(dut.coming, {})


def test_a_tile_alone_goes_down_at_once():
    dut = Stages(CFG)

    async def bench(ctx):
        await start(ctx, dut, 7)
        for cycle in range(1, PIXELS_LAG + 1):
            assert at_work(ctx, dut).count(7) == cycle
            assert ctx.get(dut.busy)
            assert ctx.get(dut.settled) == ctx.get(dut.pixels_start) == (cycle == PIXELS_LAG)
            await ctx.tick()
        work = ctx.get(dut.pixels)
        assert (work.tile.address, work.layer.pad, work.table) == (8, 9, 1)
        await pulse(ctx, dut.pixels_end)            # between two taps
        await pulse(ctx, dut.last)
        for _ in range(5):
            assert ctx.get(dut.busy) and not ctx.get(dut.tile_through)
            await ctx.tick()
        await pulse(ctx, dut.pixels_end)
        assert ctx.get(dut.tile_through) and not ctx.get(dut.busy)
        await ctx.tick()
        assert not ctx.get(dut.tile_through) and not ctx.get(dut.busy)
    simulate(dut, bench)


def test_the_next_tile_waits_in_each_part():
    dut = Stages(CFG)

    async def bench(ctx):
        await start(ctx, dut, 7)
        await ctx.tick().repeat(4)
        await start(ctx, dut, 20)
        ctx.set(dut.crowded, 1)
        for _ in range(5):
            assert at_work(ctx, dut) == [20, 7, 7] and not ctx.get(dut.settled)
            await ctx.tick()
        await pulse(ctx, dut.last)
        ctx.set(dut.crowded, 0)
        await ctx.tick()
        for _ in range(5):
            assert at_work(ctx, dut) == [20, 20, 7] and not ctx.get(dut.settled)
            await ctx.tick()
        await pulse(ctx, dut.pixels_end)
        assert ctx.get(dut.tile_through)
        await ctx.tick()
        assert at_work(ctx, dut) == [20, 20, 20] and ctx.get(dut.pixels_start) and ctx.get(dut.settled)
        assert ctx.get(dut.busy) and not ctx.get(dut.tile_through)
    simulate(dut, bench)


def test_an_average_goes_the_same_way_and_is_no_tile():
    dut = Stages(CFG)

    async def bench(ctx):
        await start(ctx, dut, 7, "average_start")
        for cycle in range(1, PIXELS_LAG + 2):
            assert ctx.get(dut.average) == ctx.get(dut.pixels_start) == (cycle == PIXELS_LAG)
            assert not ctx.get(dut.busy)
            await ctx.tick()
        await start(ctx, dut, 9)
        await ctx.tick().repeat(PIXELS_LAG)
        assert at_work(ctx, dut) == [9, 9, 9] and ctx.get(dut.busy)
    simulate(dut, bench)


def test_lint():
    lint(Stages(CFG))
