"""Which frames and which of their pixels become the engine's image."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.ports import Port
from firelane.hw.camera.dvp_receiver import DvpEvents
from firelane.hw.contract.camera import CameraInput, PixelFormat

PIXEL_BYTES = data.ArrayLayout(8, 3)
"""A pixel as it came: upper and lower byte of RGB565 (and 0), or Y, U, V."""

PIXEL_DISTANCE = 4      #: cycles between two pixels, at least


class FrameControl(Port):
    """What becomes of frames, from the side that takes them.

    Members
    -------
    ready : In(1)
        A frame may be begun.
    abandon : In(1)
        Pulse: no more of the frame that was begun.
    begin : Out(1)
        Pulse: a frame was begun; its first pixel follows.
    whole : Out(1)
        Pulse: every line of the frame that was begun came, and every byte of each.
    faulty : Out(1)
        Pulse: something is wrong with this frame. If it was begun it has ended with that.
    skipped : Out(1)
        Pulse: nothing is wrong with this frame so far, but it could not be begun.
    """

    def __init__(self):
        super().__init__({"ready": In(1), "abandon": In(1), "begin": Out(1), "whole": Out(1), "faulty": Out(1),
                          "skipped": Out(1)})


class FrameTaker(wiring.Component):
    """Counts every byte and line of every frame, and hands on the pixels of the image.

    A frame is what comes between two `frame_start`s. It is whole if it has exactly `lines` lines of exactly
    `line_bytes` bytes. Whether it is taken is decided where its first line of the image begins. What is wrong is said
    as soon as it is known, once a frame: a line too short or too long at its end, a line too many where it begins,
    lines that are missing at the next `frame_start`. Before the first `frame_start`, and after `abandon` up to the
    next one, nothing counts.

    Latency     2 cycles from the last byte of a pixel to the pixel; 1 + PIXEL_DISTANCE more for the second one of two
                that share their colour.
    Throughput  PIXEL_DISTANCE cycles a pixel.
    Stalling    none possible.

    Parameters
    ----------
    wanted : CameraInput

    Members
    -------
    events : In(DvpEvents())
    control : Out(FrameControl())
    pixel : Out(stream of PIXEL_BYTES, always_ready)
    """

    def __init__(self, wanted: CameraInput):
        self._wanted = wanted
        super().__init__({"events": In(DvpEvents()), "control": Out(FrameControl()),
                          "pixel": Out(stream.Signature(PIXEL_BYTES, always_ready=True))})

    def elaborate(self, platform):
        m, wanted, events = Module(), self._wanted, self.events
        self._line = Signal(range(wanted.lines + 1))                #: complete ones of this frame
        self._bytes = Signal(range(wanted.line_bytes + 2))          #: of this line
        self._sound = Signal()                                      #: nothing is wrong with this frame so far
        self._taking = Signal()
        self._row_taken = Signal()                                  #: pixels of this line are of the image
        with m.If(events.byte.valid & (self._bytes <= wanted.line_bytes)):
            m.d.sync += self._bytes.eq(self._bytes + 1)
        with m.If(events.line_start):
            m.d.sync += self._bytes.eq(0)
        with m.If(events.line_end & (self._line != wanted.lines)):
            m.d.sync += self._line.eq(self._line + 1)
        with m.If(events.frame_start):
            m.d.sync += self._line.eq(0)
        self._judge(m)
        self._choose_lines(m)
        self._choose_pixels(m)
        return m

    def _judge(self, m):
        wanted, events, control = self._wanted, self.events, self.control
        wrong, complete, at_top = Signal(), Signal(), Signal()
        m.d.comb += [
            complete.eq(self._line == wanted.lines),
            at_top.eq(events.line_start & (self._line == wanted.top)),
            wrong.eq((events.line_end & (self._bytes != wanted.line_bytes)) | (events.line_start & complete)
                     | (events.frame_start & ~complete)),
        ]
        m.d.sync += [
            control.faulty.eq(self._sound & wrong & ~control.abandon),
            control.whole.eq(self._sound & self._taking & events.frame_start & complete & ~control.abandon),
            control.begin.eq(self._sound & at_top & control.ready & ~wrong & ~control.abandon),
            control.skipped.eq(self._sound & at_top & ~control.ready & ~wrong & ~control.abandon),
        ]
        with m.If(self._sound & at_top & control.ready):
            m.d.sync += self._taking.eq(1)
        with m.If(events.frame_start):
            m.d.sync += [self._sound.eq(1), self._taking.eq(0)]
        with m.Elif(wrong | control.abandon):
            m.d.sync += [self._sound.eq(0), self._taking.eq(0)]

    def _choose_lines(self, m):
        wanted, events = self._wanted, self.events
        next_line, rows_left = Signal(range(wanted.lines + wanted.step)), Signal(range(wanted.height + 1))
        m.d.sync += self._row_taken.eq((self._line == next_line) & (rows_left != 0) & self._taking)
        with m.If(events.line_end & (self._line == next_line) & (rows_left != 0)):
            m.d.sync += [next_line.eq(next_line + wanted.step), rows_left.eq(rows_left - 1)]
        with m.If(events.frame_start):
            m.d.sync += [next_line.eq(wanted.top), rows_left.eq(wanted.height)]

    def _choose_pixels(self, m):
        wanted, events = self._wanted, self.events
        next_column = Signal(range(wanted.columns + wanted.step))
        columns_left = Signal(range(wanted.width + 1))
        column = Signal(range(wanted.columns + 1))                  #: of the pixel that ends with this byte
        pair = wanted.format is PixelFormat.YUV422
        kept = Signal(data.ArrayLayout(8, 3), reset_less=True)      #: the bytes before this one, the last first
        ends, taken, second = Signal(), Signal(), Signal()
        m.d.comb += [column.eq(self._bytes >> 1), ends.eq(events.byte.valid & self._bytes[0]),
                     taken.eq(ends & self._row_taken & (column == next_column) & (columns_left != 0))]
        with m.If(events.byte.valid):
            m.d.sync += kept.eq(Cat(events.byte.payload, kept.as_value()))
        with m.If(taken):
            m.d.sync += [next_column.eq(next_column + wanted.step), columns_left.eq(columns_left - 1)]
        with m.If(events.line_start):
            m.d.sync += [next_column.eq(wanted.left), columns_left.eq(wanted.width)]
        if pair:
            self._send_pair(m, taken, second, kept, ends)
        else:
            m.d.sync += [self.pixel.valid.eq(taken), self.pixel.payload.eq(Cat(kept[0], events.byte.payload))]

    def _send_pair(self, m, taken, second, kept, ends):
        """Both pixels of a pair when its last byte, V, is there: the first one then, the other one a little later."""
        first, later = Signal(), Signal(PIXEL_DISTANCE)
        luma = Signal(8, reset_less=True)
        is_last = self._bytes[1]
        with m.If(ends & ~is_last):
            m.d.sync += first.eq(taken)
        m.d.comb += second.eq(taken & is_last)
        m.d.sync += [later.eq(Cat(second, later)), self.pixel.valid.eq((ends & is_last & first) | later[-1])]
        with m.If(ends & is_last):
            m.d.sync += [self.pixel.payload.eq(Cat(kept[2], kept[1], self.events.byte.payload)), luma.eq(kept[0])]
        with m.If(later[-1]):
            m.d.sync += self.pixel.payload[0].eq(luma)
