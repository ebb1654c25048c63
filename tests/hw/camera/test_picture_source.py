# amaranth: UnusedElaboratable=no
"""Frames at a camera's pins become the image of the NumPy reference, and frames with a fault are known as such."""

import numpy as np
import pytest

from firelane.compiler.frame_io.camera import image_of_frame
from firelane.compiler.frame_io.stream import stream_bytes
from firelane.hw.camera.picture_source import PictureSource
from firelane.hw.contract.camera import CameraInput, ChannelOrder, PixelFormat
from tests.hw.camera.pins import Camera, random_frame
from tests.hw.support import lint, simulate

RNG = np.random.default_rng(7)
TABLES = tuple(RNG.integers(0, 256, 256, dtype=np.uint8).tobytes() for _ in range(3))
SIZES = {"crop": (10, 8), "all": (16, 12), "every second": (7, 5), "every third": (5, 4)}
KINDS = [
    (PixelFormat.RGB565, ChannelOrder.RGB, (), "all"),
    (PixelFormat.RGB565, ChannelOrder.BGR, TABLES, "every third"),
    (PixelFormat.RGB565, ChannelOrder.GRAY, TABLES[:1], "crop"),
    (PixelFormat.YUV422, ChannelOrder.RGB, TABLES, "crop"),
    (PixelFormat.YUV422, ChannelOrder.BGR, (), "every third"),
    (PixelFormat.YUV422, ChannelOrder.GRAY, (), "every second"),
]


def wanted_of(pixel_format=PixelFormat.RGB565, order=ChannelOrder.RGB, tables=(), size="crop"):
    width, height = SIZES[size]
    return CameraInput(columns=16, lines=12, format=pixel_format, width=width, height=height, order=order,
                       tables=tables)


class Bench:
    """A source whose control takes every frame, and everything that it gives."""

    def __init__(self, wanted, *, ready=True, **camera):
        self.dut = PictureSource(wanted, queue_bytes=512)
        self.camera = Camera(self.dut.pins, **camera)
        self.octets, self.events, self._ready = bytearray(), [], ready

    async def collect(self, ctx):
        dut, names = self.dut, ("begin", "whole", "faulty", "skipped")
        ctx.set(dut.control.ready, int(self._ready))
        ctx.set(dut.image.ready, 1)
        pulses = [getattr(dut.control, name) for name in names]
        async for *_, valid, octet, last, lost, seen in ctx.tick().sample(
                dut.image.valid, dut.image.payload.data, dut.image.payload.last, dut.overflow,
                sum((pulse << n for n, pulse in enumerate(pulses)), 0)):
            if valid:
                self.octets.append(octet)
                if last:
                    self.events.append("last")
            assert not lost
            self.events += [name for n, name in enumerate(names) if seen >> n & 1]

    def run(self, *frames):
        async def send(ctx):
            for frame in frames:
                await self.camera.pulse(ctx)
                await self.camera.frame(ctx, frame)
            await self.camera.pulse(ctx)

        simulate(self.dut, send, background=[self.collect], cycles=100_000)


@pytest.mark.parametrize("pixel_format, order, tables, size", KINDS)
def test_the_image_is_that_of_the_reference(pixel_format, order, tables, size):
    wanted = wanted_of(pixel_format, order, tables, size)
    frame, sent = random_frame(wanted, RNG)
    bench = Bench(wanted)
    bench.run(sent)
    assert bytes(bench.octets) == stream_bytes(image_of_frame(frame, wanted))
    assert bench.events == ["begin", "last", "whole"]


@pytest.mark.parametrize("halves, pixel_format", [((1, 2), PixelFormat.YUV422), ((9, 1), PixelFormat.RGB565)])
def test_any_pixel_clock_that_is_slow_enough(halves, pixel_format):
    wanted = wanted_of(pixel_format)
    frames, sent = zip(*(random_frame(wanted, RNG) for _ in range(2)))
    bench = Bench(wanted, halves=halves, seed=3)
    bench.run(*sent)
    assert bytes(bench.octets) == b"".join(stream_bytes(image_of_frame(frame, wanted)) for frame in frames)


FAULTS = {
    "a short line": (lambda sent: sent.cut(5, 31), ["begin", "faulty"]),
    "a short line above the image": (lambda sent: sent.cut(0, 30), ["faulty"]),
    "a short line below the image": (lambda sent: sent.cut(11, 31), ["begin", "last", "faulty"]),
    "a missing line": (lambda sent: sent.without_line(4), ["begin", "last", "faulty"]),
    "a line more": (lambda sent: sent.with_line_more(), ["begin", "last", "faulty"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_frame_is_told_once_and_the_next_one_is_whole(fault):
    spoil, expected = FAULTS[fault]
    wanted = wanted_of()
    (_, first), (frame, second) = random_frame(wanted, RNG), random_frame(wanted, RNG)
    bench = Bench(wanted)
    bench.run(spoil(first), second)
    assert bench.events == [*expected, "begin", "last", "whole"]
    image = stream_bytes(image_of_frame(frame, wanted))
    assert bytes(bench.octets[-len(image):]) == image


def test_a_frame_that_was_not_wanted_is_skipped():
    wanted = wanted_of()
    bench = Bench(wanted, ready=False)
    bench.run(random_frame(wanted, RNG)[1])
    assert bench.events == ["skipped"] and not bench.octets


def test_nothing_counts_before_the_first_frame_begins():
    wanted = wanted_of()
    bench = Bench(wanted)
    _, sent = random_frame(wanted, RNG)

    async def send(ctx):
        await bench.camera.frame(ctx, sent.without_line(0))
        await bench.camera.pulse(ctx)
        await bench.camera.frame(ctx, sent)
        await bench.camera.pulse(ctx)

    simulate(bench.dut, send, background=[bench.collect], cycles=100_000)
    assert bench.events == ["begin", "last", "whole"]


@pytest.mark.parametrize("pin, length, faulty", [("href", 2, False), ("vsync", 2, False), ("href", 5, True),
                                                 ("pclk", 2, True)])
def test_glitches(pin, length, faulty):
    """Short ones at `href` and `vsync` are not seen; longer ones, and any edge of the clock, spoil the count."""
    wanted = wanted_of()
    frame, sent = random_frame(wanted, RNG)
    bench = Bench(wanted, halves=(6,))

    async def send(ctx):
        await bench.camera.pulse(ctx)
        await bench.camera.frame(ctx, sent)
        await bench.camera.pulse(ctx)

    async def disturb(ctx):
        await ctx.tick().repeat(3 * bench.camera.porch + 1000)
        for level in (1, 0):
            while (ctx.get(bench.dut.pins.pclk), ctx.get(bench.dut.pins.href)) != (level, 1):
                await ctx.tick()
        await ctx.tick()
        signal = getattr(bench.dut.pins, pin)
        usual = ctx.get(signal)
        ctx.set(signal, 1 - usual)
        await ctx.tick().repeat(length)
        ctx.set(signal, usual)

    simulate(bench.dut, send, disturb, background=[bench.collect], cycles=100_000)
    assert ("faulty" in bench.events, "whole" in bench.events) == (faulty, not faulty)
    if not faulty:
        assert bytes(bench.octets) == stream_bytes(image_of_frame(frame, wanted))


def test_a_queue_that_nobody_empties_overflows():
    wanted = wanted_of(size="all")
    dut = PictureSource(wanted, queue_bytes=100)
    camera, lost = Camera(dut.pins), []

    async def send(ctx):
        ctx.set(dut.control.ready, 1)
        await camera.pulse(ctx)
        await camera.frame(ctx, random_frame(wanted, RNG)[1])
        await camera.pulse(ctx)

    async def watch(ctx):
        async for *_, overflow in ctx.tick().sample(dut.overflow):
            lost.append(overflow)

    simulate(dut, send, background=[watch], cycles=100_000)
    assert sum(lost) == wanted.image_bytes - 102        # two bytes are on their way out


@pytest.mark.parametrize("pixel_format", PixelFormat)
def test_lint(pixel_format):
    lint(PictureSource(wanted_of(pixel_format, ChannelOrder.GRAY, TABLES[:1]), queue_bytes=512))
