"""Input loader: every combination of shapes against a direct model, stalls on both sides, image borders, errors."""

import itertools
import random

import pytest

from firelane.hw.contract.config import BANK_PIXELS, EngineConfig
from firelane.hw.contract.timing import load_cycles
from firelane.hw.streams.input_loader import InputLoader
from tests.hw.support import lint, pauses, pulse, simulate

PAD = 77


def configuration(banks):
    return EngineConfig(banks=banks, activation_words=64)


def expected_writes(cfg, image, *, split, map_rows, real_rows, parts_log2, address, row, columns, channels):
    """Every write in order: (bank, address, pixel, data), from the definition and not by counting."""
    fold = 2 if split else 1
    word_rows = cfg.banks >> parts_log2
    writes = []
    for y, x, c in itertools.product(range(map_rows * fold), range(-(-columns // fold) * fold), range(channels)):
        channel = ((y % fold) * fold + x % fold) * channels + c
        part, pixel = divmod(x // fold, BANK_PIXELS)
        inside = y < real_rows and x < columns
        writes.append((row + y // fold + part * word_rows, address + channel, pixel,
                       image[y][x][c] if inside else PAD))
    return writes


def random_image(rng, rows, columns, channels):
    return [[[rng.randrange(256) for _ in range(channels)] for _ in range(columns)] for _ in range(rows)]


def to_bytes(image, *, ends):
    data = [byte for row in image for pixel in row for byte in pixel]
    return [{"data": byte, "last": int(ends and n == len(data) - 1)} for n, byte in enumerate(data)]


async def start(ctx, dut, *, split, map_rows, real_rows, parts_log2, address, row, columns, channels, last):
    ctx.set(dut.tile, {"last": last, "address": address, "row": row, "rows": real_rows,
                       "slots": [{"rows": map_rows}]})
    ctx.set(dut.layer, {"space_to_depth": split, "parts_log2": parts_log2, "image_columns": columns,
                        "channels_in": channels, "pad": PAD})
    await pulse(ctx, dut.start)
    ctx.set(dut.tile, {})        # the next instruction comes while this one works
    ctx.set(dut.layer, {})


def run_loads(cfg, loads, *, seed=None, image_bytes=None):
    """(writes, busy cycles per load, errors) of consecutive LOADs; `seed` for stalls on both sides."""
    dut = InputLoader(cfg)
    writes, busy, seen = [], [], set()
    stall, wait = (None, None) if seed is None else (pauses(seed, 3), pauses(seed + 1, 3))
    data = image_bytes if image_bytes is not None else [
        byte for load in loads for byte in to_bytes(load["image"], ends=load["last"])]

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

    async def feed(ctx):
        taken = 0
        while True:
            offer = taken < len(data) and (wait is None or not next(wait) or ctx.get(dut.image.valid))
            ctx.set(dut.image.valid, offer)
            if offer:
                ctx.set(dut.image.payload, data[taken])
            *_, valid, ready = await ctx.tick().sample(dut.image.valid, dut.image.ready)
            taken += valid & ready

    async def watch(ctx):
        while True:
            *_, short, long, address = await ctx.tick().sample(dut.image_short, dut.image_long, dut.address_range)
            seen.update(name for name, flag in (("short", short), ("long", long), ("address", address)) if flag)

    simulate(dut, bench, background=(feed, collect, watch), cycles=20_000)
    return writes, busy, seen


def make_load(rng, *, split, map_rows, real_rows, parts_log2, columns, channels, row=0, last=0):
    return {"split": split, "map_rows": map_rows, "real_rows": real_rows, "parts_log2": parts_log2, "row": row,
            "address": rng.randrange(20), "columns": columns, "channels": channels, "last": last,
            "image": random_image(rng, real_rows, columns, channels)}


def model(cfg, load):
    return expected_writes(cfg, **{name: value for name, value in load.items() if name != "last"})


def cases():
    """(banks, parts_log2, channels, split, columns)."""
    for banks, channels, split in itertools.product((1, 2, 4), (1, 3), (0, 1)):
        for parts_log2 in range(banks.bit_length()):
            room = BANK_PIXELS << parts_log2 << split
            for columns in {1, 5, room - 1, room}:
                yield banks, parts_log2, channels, split, columns


def test_lint():
    lint(InputLoader(configuration(2)))


@pytest.mark.parametrize("banks", [1, 2, 4])
def test_all_shapes(banks):
    """Loads of all shapes, one behind the other, some with missing image rows; cycles as predicted."""
    cfg = configuration(banks)
    rng = random.Random(banks)
    loads = []
    for _, parts_log2, channels, split, columns in sorted(case for case in cases() if case[0] == banks):
        rows = banks >> parts_log2
        map_rows = rng.randint(1, rows)
        loads.append(make_load(rng, split=split, map_rows=map_rows, parts_log2=parts_log2, columns=columns,
                               real_rows=rng.randint(0, map_rows << split), channels=channels,
                               row=rng.randint(0, rows - map_rows)))
    writes, busy, seen = run_loads(cfg, loads)
    assert writes == [write for load in loads for write in model(cfg, load)]
    assert busy == [load_cycles(map_rows=load["map_rows"], image_columns=load["columns"], channels=load["channels"],
                                space_to_depth=bool(load["split"])) for load in loads]
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


def one_load(last):
    return make_load(random.Random(0), split=1, map_rows=1, real_rows=2, parts_log2=0, columns=5, channels=3, last=last)


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
