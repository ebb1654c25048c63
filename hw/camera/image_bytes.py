"""Pixels as the bytes that the engine takes."""

from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import BYTE_LAST
from firelane.hw.blocks.pipeline import delay_control
from firelane.hw.camera.colour import RGB
from firelane.hw.contract.camera import LUMA, LUMA_SHIFT, TABLE_ENTRIES, CameraInput, ChannelOrder


class ImageBytes(wiring.Component):
    """Gray if asked for, the order of the channels, and the stored value that the network's table has for each.

    Latency     2 cycles to the first byte of a pixel, 2 more with tables, 2 more for gray.
    Throughput  a byte a cycle; the next pixel may come 4 cycles behind the one before.
    Stalling    none possible.

    Parameters
    ----------
    wanted : CameraInput

    Members
    -------
    begin : In(1)
        Pulse: the next pixel is the first of an image.
    pixel : In(stream of RGB, always_ready)
    o : Out(stream of BYTE_LAST, always_ready)
        The image; `last` with its last byte.
    """

    def __init__(self, wanted: CameraInput):
        self._wanted = wanted
        super().__init__({"begin": In(1), "pixel": In(stream.Signature(RGB, always_ready=True)),
                          "o": Out(stream.Signature(BYTE_LAST, always_ready=True))})

    def elaborate(self, platform):
        m, wanted = Module(), self._wanted
        valid, values = self._gray(m) if wanted.order is ChannelOrder.GRAY else self._ordered()
        channel, value, one_valid = self._one_by_one(m, valid, values)
        if wanted.tables:
            value = self._looked_up(m, channel, value)
            one_valid = delay_control(m, one_valid, 2, name="looked_up")
        left = Signal(range(wanted.image_bytes + 1))
        m.d.comb += [self.o.valid.eq(one_valid), self.o.payload.data.eq(value), self.o.payload.last.eq(left == 1)]
        with m.If(one_valid & (left != 0)):
            m.d.sync += left.eq(left - 1)
        with m.If(self.begin):
            m.d.sync += left.eq(wanted.image_bytes)
        return m

    def _ordered(self):
        pixel = self.pixel.payload
        colours = (pixel.red, pixel.green, pixel.blue)
        return self.pixel.valid, colours[::-1] if self._wanted.order is ChannelOrder.BGR else colours

    def _gray(self, m):
        pixel = self.pixel.payload
        weighted = [factor * colour for factor, colour in zip(LUMA, (pixel.red, pixel.green, pixel.blue))]
        parts = [Signal.like(part, name=f"part{n}", reset_less=True) for n, part in enumerate(weighted)]
        gray = Signal(8, reset_less=True)
        m.d.sync += [part.eq(term) for part, term in zip(parts, weighted)]
        m.d.sync += gray.eq((sum(parts) + (1 << (LUMA_SHIFT - 1))) >> LUMA_SHIFT)
        return delay_control(m, self.pixel.valid, 2, name="gray"), (gray,)

    def _one_by_one(self, m, valid, values):
        """The channel's number, its value, and whether there is one."""
        count = len(values)
        kept = [Signal(8, name=f"value{n}", reset_less=True) for n in range(count)]
        channel, active = Signal(range(max(count, 2))), Signal()
        one_valid, one, one_channel = Signal(), Signal(8, reset_less=True), Signal.like(channel, reset_less=True)
        m.d.sync += [one_valid.eq(active), one.eq(Array(kept)[channel]), one_channel.eq(channel)]
        with m.If(active):
            m.d.sync += [channel.eq(channel + 1), active.eq(channel != count - 1)]
        with m.If(valid):
            m.d.sync += [keep.eq(value) for keep, value in zip(kept, values)]
            m.d.sync += [channel.eq(0), active.eq(1)]
        return one_channel, one, one_valid

    def _looked_up(self, m, channel, value):
        m.submodules.tables = tables = Memory(shape=8, depth=TABLE_ENTRIES * len(self._wanted.tables),
                                              init=b"".join(self._wanted.tables), attrs={"ram_style": "block"})
        read = tables.read_port(domain="comb")
        word, settled = Signal(8, reset_less=True), Signal(8, reset_less=True)
        m.d.comb += read.addr.eq(Cat(value, channel))
        m.d.sync += [word.eq(read.data), settled.eq(word)]
        return settled
