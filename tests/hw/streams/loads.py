"""LOADs for the tests of both input loaders: shapes, images, and every pixel that must be written."""

import itertools
import random

from firelane.hw.contract.config import BANK_PIXELS, EngineConfig
from tests.hw.support import pulse

PAD = 77


def configuration(banks, **more):
    return EngineConfig(banks=banks, activation_words=64, **more)


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


def make_load(rng, *, split, map_rows, real_rows, parts_log2, columns, channels, row=0, last=0):
    return {"split": split, "map_rows": map_rows, "real_rows": real_rows, "parts_log2": parts_log2, "row": row,
            "address": rng.randrange(20), "columns": columns, "channels": channels, "last": last,
            "image": random_image(rng, real_rows, columns, channels)}


def model(cfg, load):
    return expected_writes(cfg, **{name: value for name, value in load.items() if name != "last"})


def cases(banks):
    """(parts_log2, channels, split, columns)."""
    for channels, split in itertools.product((1, 3), (0, 1)):
        for parts_log2 in range(banks.bit_length()):
            room = BANK_PIXELS << parts_log2 << split
            for columns in {1, 5, room - 1, room}:
                yield parts_log2, channels, split, columns


def loads_of_all_shapes(cfg, rng):
    """One LOAD of each of `cases`, some with missing image rows."""
    for parts_log2, channels, split, columns in sorted(cases(cfg.banks)):
        rows = cfg.banks >> parts_log2
        map_rows = rng.randint(1, rows)
        yield make_load(rng, split=split, map_rows=map_rows, parts_log2=parts_log2, columns=columns,
                        real_rows=rng.randint(0, map_rows << split), channels=channels,
                        row=rng.randint(0, rows - map_rows))


def shape(load):
    """What the time of a LOAD depends on."""
    return {"map_rows": load["map_rows"], "image_columns": load["columns"], "channels": load["channels"],
            "space_to_depth": bool(load["split"])}


def one_load(last):
    return make_load(random.Random(0), split=1, map_rows=1, real_rows=2, parts_log2=0, columns=5, channels=3, last=last)


def bytes_of(loads) -> list[dict]:
    """The bytes of the images of several loads, as a loader takes them."""
    return [byte for load in loads for byte in to_bytes(load["image"], ends=load["last"])]


def image_feed(dut, data, wait):
    """A test bench that offers `data` to a loader; `wait`: pauses between them, or None."""
    async def feed(ctx):
        taken = 0
        while True:
            offer = taken < len(data) and (wait is None or not next(wait) or ctx.get(dut.image.valid))
            ctx.set(dut.image.valid, offer)
            if offer:
                ctx.set(dut.image.payload, data[taken])
            *_, valid, ready = await ctx.tick().sample(dut.image.valid, dut.image.ready)
            taken += valid & ready
    return feed


def error_watch(dut, seen: set):
    """A test bench that notes in `seen` which errors a loader reports."""
    async def watch(ctx):
        while True:
            *_, short, long, address = await ctx.tick().sample(dut.image_short, dut.image_long, dut.address_range)
            seen.update(name for name, flag in (("short", short), ("long", long), ("address", address)) if flag)
    return watch
