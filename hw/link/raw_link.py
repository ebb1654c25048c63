"""The simplest host link: image bytes in, a status byte and the result bytes out."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.config import bits_for

BYTE_LAST = data.StructLayout({"data": 8, "last": 1})


class RawLink(wiring.Component):
    """Frames a bare byte line for the engine.

    Each `image_bytes` bytes that arrive are one image. The answer is a status byte, 0, and the result; or, when the
    engine stops with an error, that error's code (`hw.error_code`) alone, after which the engine is reset. If the
    line falls silent for `timeout_cycles` inside an image, the image is closed early, the engine answers with
    IMAGE_SHORT, and the next byte starts a new image: a lost byte never shifts one image into the next.

    Latency     an image byte waits for the one after it, or for the timeout, so that the last can be marked.
    Throughput  a byte per two cycles, far above any serial line.

    Members
    -------
    rx, tx : In, Out(stream of 8)
        From and to the line.
    image : Out(stream of data, last)
        To the engine.
    result : In(stream of data, last)
        From the engine.
    error : In(8)
        The engine's error code, 0 while all is well.
    reset : Out(1)
        Pulse that resets the engine.
    """

    def __init__(self, *, image_bytes: int, timeout_cycles: int):
        if image_bytes < 1 or timeout_cycles < 1:
            raise ValueError("image_bytes and timeout_cycles must be at least 1, not "
                             f"{image_bytes!r} and {timeout_cycles!r}")
        self._image_bytes = image_bytes
        self._timeout_cycles = timeout_cycles
        super().__init__({
            "rx": In(stream.Signature(8)), "tx": Out(stream.Signature(8)),
            "image": Out(stream.Signature(BYTE_LAST)), "result": In(stream.Signature(BYTE_LAST)),
            "error": In(8), "reset": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        self._receive(m)
        self._answer(m)
        return m

    def _receive(self, m):
        held, count = Signal(), Signal(bits_for(self._image_bytes + 1))     # bytes taken of this image
        silence = Signal(range(self._timeout_cycles + 1))
        complete, silent = Signal(), Signal()
        m.d.comb += [
            complete.eq(count == self._image_bytes),
            silent.eq(silence == self._timeout_cycles),
            self.image.payload.last.eq(complete | silent),
            self.image.valid.eq(held & (complete | silent | self.rx.valid)),
            self.rx.ready.eq(~held | (self.image.ready & ~self.image.payload.last)),
        ]
        with m.If(held & ~silent & ~complete):
            m.d.sync += silence.eq(silence + 1)
        with m.If(self.image.valid & self.image.ready):
            m.d.sync += held.eq(0)
            with m.If(self.image.payload.last):
                m.d.sync += count.eq(0)
        with m.If(self.rx.valid & self.rx.ready):
            m.d.sync += [held.eq(1), count.eq(count + 1), silence.eq(0), self.image.payload.data.eq(self.rx.payload)]
        with m.If(self.reset):
            m.d.sync += [held.eq(0), count.eq(0)]

    def _answer(self, m):
        with m.FSM(name="answer"):
            with m.State("STATUS"):
                m.d.comb += [self.tx.valid.eq(self.result.valid | (self.error != 0)), self.tx.payload.eq(self.error)]
                with m.If(self.tx.valid & self.tx.ready):
                    m.next = "RESULT"
                    with m.If(self.error != 0):
                        m.next = "RESET"
            with m.State("RESULT"):
                m.d.comb += [self.tx.valid.eq(self.result.valid), self.tx.payload.eq(self.result.payload.data),
                             self.result.ready.eq(self.tx.ready)]
                with m.If(self.result.valid & self.tx.ready & self.result.payload.last):
                    m.next = "STATUS"
                with m.If(self.error != 0):
                    m.next = "RESET"
            with m.State("RESET"):
                m.d.comb += self.reset.eq(1)
                m.next = "SETTLE"
            with m.State("SETTLE"):
                with m.If(self.error == 0):
                    m.next = "STATUS"
