"""Input loader: every combination of shapes against a direct model, stalls on both sides, image borders, errors."""

import random

import pytest

from firelane.hw.contract.timing import load_cycles
from firelane.hw.streams.input_loader import InputLoader
from tests.hw.streams.loads import (
    bytes_of,
    configuration,
    error_watch,
    image_feed,
    loads_of_all_shapes,
    make_load,
    model,
    one_load,
    shape,
    start,
    to_bytes,
)
from tests.hw.support import lint, pauses, simulate


def run_loads(cfg, loads, *, seed=None, image_bytes=None):
    """(writes, busy cycles per load, errors) of consecutive LOADs; `seed` for stalls on both sides."""
    dut = InputLoader(cfg)
    writes, busy, seen = [], [], set()
    stall, wait = (None, None) if seed is None else (pauses(seed, 3), pauses(seed + 1, 3))
    data = bytes_of(loads) if image_bytes is None else image_bytes

    async def bench(ctx):
        for load in loads:
            await start(ctx, dut, **{name: value for name, value in load.items() if name != "image"})
            cycles = 0
            while ctx.get(dut.busy):
                await ctx.tick()
                cycles += 1
            busy.append(cycles)

    async def collect(ctx):
        while True:
            ctx.set(dut.write.ready, stall is None or not next(stall))
            *_, valid, ready, write = await ctx.tick().sample(dut.write.valid, dut.write.ready, dut.write.payload)
            if valid and ready:
                writes.append((write.bank, write.address, write.pixel, write.data))

    simulate(dut, bench, background=(image_feed(dut, data, wait), collect, error_watch(dut, seen)), cycles=20_000)
    return writes, busy, seen


def test_lint():
    lint(InputLoader(configuration(2)))


@pytest.mark.parametrize("banks", [1, 2, 4])
def test_all_shapes(banks):
    """Loads of all shapes, one behind the other, some with missing image rows; cycles as predicted."""
    cfg = configuration(banks)
    loads = [*loads_of_all_shapes(cfg, random.Random(banks))]
    writes, busy, seen = run_loads(cfg, loads)
    assert writes == [write for load in loads for write in model(cfg, load)]
    assert busy == [load_cycles(cfg, **shape(load)) for load in loads]
    assert not seen


@pytest.mark.parametrize("seed", range(4))
def test_stalls_on_both_sides(seed):
    cfg = configuration(4)
    rng = random.Random(seed)
    loads = [make_load(rng, split=seed & 1, map_rows=2, real_rows=2 + (seed & 1), parts_log2=1, columns=15 + seed,
                       channels=3, row=0, last=number == 1) for number in range(2)]
    writes, _, seen = run_loads(cfg, loads, seed=seed)
    assert writes == [write for load in loads for write in model(cfg, load)]
    assert not seen


@pytest.mark.parametrize("last, marks, error", [
    (1, [29], set()), (1, [28], {"short", "long"}), (1, [], {"long"}), (1, [0, 29], {"short"}),
    (0, [], set()), (0, [29], {"short"}),
])
def test_image_must_end_where_it_ends(last, marks, error):
    load = one_load(last)
    data = [{**byte, "last": int(n in marks)} for n, byte in enumerate(to_bytes(load["image"], ends=False))]
    assert len(data) == 30
    assert run_loads(configuration(1), [load], image_bytes=data)[2] == error


def test_addresses_past_the_end_are_errors_and_not_written():
    cfg = configuration(1)
    load = {**one_load(0), "address": 60}
    writes, _, seen = run_loads(cfg, [load])
    assert seen == {"address"}
    assert writes == [write for write in model(cfg, load) if write[1] < 64]


def test_halt_takes_nothing():
    cfg = configuration(1)
    dut = InputLoader(cfg)

    async def bench(ctx):
        ctx.set(dut.write.ready, 1)
        ctx.set(dut.image.valid, 1)
        load = one_load(0)
        assert not ctx.get(dut.image.ready)
        await start(ctx, dut, **{name: value for name, value in load.items() if name != "image"})
        await ctx.tick().repeat(3)
        assert ctx.get(dut.image.ready)
        ctx.set(dut.halt, 1)        # seen a cycle later
        await ctx.tick()
        for _ in range(40):
            assert not ctx.get(dut.image.ready)
            await ctx.tick()
        assert ctx.get(dut.busy) and not ctx.get(dut.write.valid)

    simulate(dut, bench)
