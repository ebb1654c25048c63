"""A camera's pixels as red, green and blue of 8 bits."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.pipeline import delay, delay_control
from firelane.hw.camera.frame_taker import PIXEL_BYTES
from firelane.hw.contract.camera import (
    BLUE_OF_U,
    CHROMA_ZERO,
    COLOUR_SHIFT,
    GREEN_OF_U,
    GREEN_OF_V,
    RED_OF_V,
    PixelFormat,
)

RGB = data.StructLayout({"red": 8, "green": 8, "blue": 8})


class ColourConverter(wiring.Component):
    """Exactly what `compiler.frame_io.camera.rgb_of_frame` says.

    The upper bits of a short colour are repeated behind it: 31 of 31 becomes 255. Of luma and chroma:

        red     Y + (359 V' + 128 >> 8)         U' = U - 128, V' = V - 128; then to the range 0 .. 255
        green   Y - (88 U' + 183 V' + 128 >> 8)
        blue    Y + (454 U' + 128 >> 8)

    Latency     1 cycle, 3 with luma and chroma.
    Throughput  a pixel a cycle.
    Stalling    none possible.

    Members
    -------
    i : In(stream of PIXEL_BYTES, always_ready)
    o : Out(stream of RGB, always_ready)
    """

    def __init__(self, pixel_format: PixelFormat):
        self._format = pixel_format
        super().__init__({"i": In(stream.Signature(PIXEL_BYTES, always_ready=True)),
                          "o": Out(stream.Signature(RGB, always_ready=True))})

    def elaborate(self, platform):
        m = Module()
        if self._format is PixelFormat.RGB565:
            self._widen(m)
        else:
            self._add_chroma(m)
        return m

    def _widen(self, m):
        upper, lower = self.i.payload[0], self.i.payload[1]
        red, green, blue = upper[3:], Cat(lower[5:], upper[:3]), lower[:5]
        m.d.sync += [
            self.o.valid.eq(self.i.valid), self.o.payload.red.eq(Cat(red[2:], red)),
            self.o.payload.green.eq(Cat(green[4:], green)), self.o.payload.blue.eq(Cat(blue[2:], blue)),
        ]

    def _add_chroma(self, m):
        luma, u, v = (self.i.payload[n] for n in range(3))
        cb, cr = u.as_signed() ^ -CHROMA_ZERO, v.as_signed() ^ -CHROMA_ZERO
        half = 1 << (COLOUR_SHIFT - 1)
        changes = {"red": RED_OF_V * cr, "green": -(GREEN_OF_U * cb + GREEN_OF_V * cr), "blue": BLUE_OF_U * cb}
        luma_later = delay(m, luma, 1, name="luma")
        m.d.comb += self.o.valid.eq(delay_control(m, self.i.valid, 3, name="valid"))
        for name, change in changes.items():
            # Of the green one the sum is rounded, and then taken away.
            rounded = -((-change + half) >> COLOUR_SHIFT) if name == "green" else (change + half) >> COLOUR_SHIFT
            step = Signal.like(rounded, name=f"{name}_step", reset_less=True)
            total = Signal.like(luma_later + step, name=f"{name}_total", reset_less=True)
            m.d.sync += [step.eq(rounded), total.eq(luma_later + step),
                         self.o.payload[name].eq(Mux(total < 0, 0, Mux(total > 255, 255, total)))]
