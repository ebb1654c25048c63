# amaranth: UnusedElaboratable=no
"""Image bytes reach the engine once each, in order, whatever chunks come twice or are given up."""

import pytest

from firelane.hw.link.image_feeder import ImageFeeder
from tests.hw.support import lint, pauses, pulse, receive, simulate, sink

SLICE = 60


async def begin(ctx, dut, length):
    ctx.set(dut.control.length, length)
    await pulse(ctx, dut.control.begin)


async def chunk(ctx, dut, octets, *, offset):
    """Offer the image bytes `octets` that stand at `offset`; (offset afterwards, too long)."""
    control = dut.control
    ctx.set(control.skip, ctx.get(control.offset) - offset)
    await pulse(ctx, control.start)
    octets = list(octets)
    while True:
        ctx.set(control.payload.valid, bool(octets))
        ctx.set(control.payload.payload, octets[0] if octets else 0)
        ctx.set(control.empty, not octets)
        *_, taken, done, too_long = await ctx.tick().sample(control.payload.valid & control.payload.ready, control.done,
                                                            control.too_long)
        if done:
            return ctx.get(control.offset), too_long
        if taken:
            octets.pop(0)


@pytest.mark.parametrize("most", [0, 4])
def test_chunks_that_overlap(most):
    dut, image, beats = ImageFeeder(slice_cycles=SLICE), list(range(100, 130)), []

    async def host(ctx):
        await begin(ctx, dut, len(image))
        for first, end in ((0, 10), (0, 10), (5, 12), (12, 13), (3, 7), (0, 30), (29, 30)):
            if first <= ctx.get(dut.control.offset):
                reached, too_long = await chunk(ctx, dut, image[first:end], offset=first)
                assert not too_long
                assert reached >= end or most
        while ctx.get(dut.control.offset) < len(image):
            offset = ctx.get(dut.control.offset)
            await chunk(ctx, dut, image[offset:], offset=offset)
        assert ctx.get(dut.control.complete)

    simulate(dut, host, sink(dut.image, len(image), beats, wait=pauses(3, most)))
    assert [(beat.data, beat.last) for beat in beats] == [(byte, n == 29) for n, byte in enumerate(image)]


def test_latency():
    dut = ImageFeeder(slice_cycles=SLICE)

    async def host(ctx):
        await begin(ctx, dut, 2)
        ctx.set(dut.control.payload.valid, 1)
        ctx.set(dut.control.start, 1)
        taken, valid = [], []
        for _ in range(8):
            taken.append(ctx.get(dut.control.payload.ready))
            valid.append(ctx.get(dut.image.valid))
            await ctx.tick()
            ctx.set(dut.control.start, 0)
        assert (taken.index(1), valid.index(1)) == (3, 4)

    simulate(dut, host)


def test_an_engine_that_takes_nothing_ends_the_slice():
    dut = ImageFeeder(slice_cycles=SLICE)

    async def host(ctx):
        await begin(ctx, dut, 9)
        assert await chunk(ctx, dut, range(9), offset=0) == (1, 0)     # one byte waits at the engine's door
        assert (await receive(ctx, dut.image)).data == 0
        assert await chunk(ctx, dut, range(9), offset=0) == (2, 0)
        assert (await receive(ctx, dut.image)).data == 1
        await begin(ctx, dut, 3)
        assert not ctx.get(dut.image.valid)

    simulate(dut, host)


def test_bytes_behind_the_end_are_refused():
    dut, beats = ImageFeeder(slice_cycles=SLICE), []

    async def host(ctx):
        await begin(ctx, dut, 3)
        assert await chunk(ctx, dut, range(4), offset=0) == (3, 1)

    simulate(dut, host, sink(dut.image, 3, beats))
    assert [(beat.data, beat.last) for beat in beats] == [(0, 0), (1, 0), (2, 1)]


def test_constructor():
    with pytest.raises(ValueError, match="^slice_cycles must be at least 1, not 0$"):
        ImageFeeder(slice_cycles=0)


def test_lint():
    lint(ImageFeeder(slice_cycles=SLICE))
