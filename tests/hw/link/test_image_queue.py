# amaranth: UnusedElaboratable=no
"""Bytes leave the queue as they came, or each pixel and each row twice; and `room` is no promise too much."""

import numpy as np
import pytest

from firelane.hw.contract.link_protocol import LAYOUT, QUEUE_SPARE
from firelane.hw.link.image_queue import ImageQueue
from tests.hw.support import lint, pauses, pulse, receive, send, simulate, sink, source

HELD = 32


def half_images(seed, rows, columns, channels, count):
    return np.random.default_rng(seed).integers(0, 256, (count, rows, columns, channels), dtype=np.uint8)


def beats(images):
    """(data, last) of each byte."""
    return [(int(byte), n == image.size - 1) for image in images for n, byte in enumerate(image.reshape(-1))]


def set_layout(ctx, dut, channels, columns, *, double):
    ctx.set(dut.layout, LAYOUT.const({"double": double, "pixel_bytes": channels, "row_pixels": columns}))


@pytest.mark.parametrize("double", [0, 1])
@pytest.mark.parametrize("rows, columns, channels", [(3, 2, 3), (2, 28, 1), (1, 1, 1), (4, 7, 4), (5, 3, 2)])
def test_images_of_a_stream(rows, columns, channels, double):
    images, found = half_images(rows, rows, columns, channels, 3), []
    whole = images.repeat(2, axis=1).repeat(2, axis=2) if double else images
    dut, expected = ImageQueue(HELD), beats(whole)

    async def bench(ctx):
        set_layout(ctx, dut, channels, columns, double=double)
        await pulse(ctx, dut.clear)
        # Not in the cycle behind another: the feeder does not.
        offered = [{"data": data, "last": last} for data, last in beats(images)]
        await source(dut.i, offered, wait=_at_least_one(rows))(ctx)

    simulate(dut, bench, sink(dut.o, len(expected), found, wait=pauses(columns, 4)))
    assert [(beat.data, beat.last) for beat in found] == expected


def _at_least_one(seed):
    return (1 + pause for pause in pauses(seed, 3))


@pytest.mark.parametrize("double", [0, 1])
def test_room_is_taken_whatever_the_engine_does(double):
    dut = ImageQueue(HELD)

    async def bench(ctx):
        set_layout(ctx, dut, 1, 4, double=double)
        await pulse(ctx, dut.clear)
        await ctx.tick().repeat(3)
        assert ctx.get(dut.room) == HELD - QUEUE_SPARE
        for read in (0, 3, 20, 1, 9):
            for _ in range(read):
                await receive(ctx, dut.o)
            await ctx.tick().repeat(3)
            for n in range(ctx.get(dut.room)):
                assert ctx.get(dut.i.ready)
                await send(ctx, dut.i, {"data": n, "last": 0})
                await ctx.tick()
            await ctx.tick().repeat(3)
            assert ctx.get(dut.room) <= (0 if double else 2)        # bytes on their way out have left

    simulate(dut, bench)


def test_more_than_it_holds_waits():
    dut = ImageQueue(HELD)

    async def bench(ctx):
        await pulse(ctx, dut.clear)
        taken = 0
        for _ in range(4 * HELD):
            ctx.set(dut.i.valid, 1)
            *_, ready = await ctx.tick().sample(dut.i.ready)
            ctx.set(dut.i.valid, 0)
            await ctx.tick()
            taken += ready
        assert HELD - QUEUE_SPARE <= taken <= HELD + 2

    simulate(dut, bench)


def test_clear_forgets_half_an_image():
    dut, images, found = ImageQueue(HELD), half_images(3, 2, 3, 1, 2), []

    async def bench(ctx):
        set_layout(ctx, dut, 1, 3, double=1)
        await pulse(ctx, dut.clear)
        for data, last in beats(images)[:4]:
            await send(ctx, dut.i, {"data": data, "last": last})
            await ctx.tick()
        for _ in range(3):
            await receive(ctx, dut.o)
        await pulse(ctx, dut.clear)
        assert not ctx.get(dut.o.valid)
        for data, last in beats(images[1:]):
            await send(ctx, dut.i, {"data": data, "last": last})
            await ctx.tick()
        expected = beats(images[1:].repeat(2, axis=1).repeat(2, axis=2))
        await sink(dut.o, len(expected), found)(ctx)
        assert [(beat.data, beat.last) for beat in found] == expected

    simulate(dut, bench)


@pytest.mark.parametrize("held", [4, 24])
def test_constructor(held):
    with pytest.raises(ValueError, match=f"^bytes_held must be a power of two, at least 8, not {held}$"):
        ImageQueue(held)


def test_lint():
    lint(ImageQueue(HELD))
