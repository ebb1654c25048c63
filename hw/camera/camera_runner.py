"""A board that works by itself: frame after frame from a camera, an answer for each."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.camera.frame_taker import FrameControl
from firelane.hw.contract.camera import ANSWER_NUMBERS
from firelane.hw.contract.registers import CSR_BITS, STATUS, Register
from firelane.hw.link.engine_control import Operation, OperationPort, operate

TALLY = data.StructLayout(dict.fromkeys(ANSWER_NUMBERS, CSR_BITS))
"""Of the program; frames with an answer, with a fault, sound ones that found the engine at work, and errors of the
engine, since power-up; cycles of the engine for the last answer, and from its picture's last byte to its line."""


class CameraRunner(wiring.Component):
    """Starts the engine when a frame begins, and says what it found when the frame turns out to be whole.

    CHECK, DIGEST and READY; then for each frame START, RUN, CYCLES, LINE and READY again. The engine begins with the
    first row, so a frame may fail when half of it has been computed. It is given up then, and the engine reset: no
    answer is of a frame that was not whole, and an engine never waits for rows that do not come. A frame fails if a
    line or a byte of it is missing or too much, if the queue overflows, if the engine stops with an error, or if its
    answer is not there `patience_cycles` after its beginning: a camera's clock may stop.

    If nothing was said for `quiet_cycles`, a line without an answer tells what was counted.

    Latency     about 60 cycles from the last of engine's end and frame's end to the line.

    Parameters
    ----------
    patience_cycles, quiet_cycles : int

    Members
    -------
    operation : Out(OperationPort()), engine : In(STATUS)
        To `EngineControl`; `engine` is its `status`.
    frames : In(FrameControl())
    overflow : In(1)
        Pulse: the frame that was begun is lost.
    image_complete : In(1)
        Pulse: the last byte of an image is here.
    result_complete : In(1)
        All bytes of a result are here.
    clear : Out(1)
        Forget image and result.
    tally : Out(TALLY)
    line_start : Out(1), line_answers : Out(1), line_busy : In(1)
        A line is to be written, with an answer or without; it is.
    """

    def __init__(self, *, patience_cycles: int, quiet_cycles: int):
        self._patience_cycles, self._quiet_cycles = patience_cycles, quiet_cycles
        super().__init__({
            "operation": Out(OperationPort()), "engine": In(STATUS), "frames": In(FrameControl()), "overflow": In(1),
            "image_complete": In(1), "result_complete": In(1), "clear": Out(1), "tally": Out(TALLY),
            "line_start": Out(1), "line_answers": Out(1), "line_busy": In(1),
        })

    def elaborate(self, platform):
        m = Module()
        self._failed, self._faulty, self._whole = Signal(), Signal(), Signal()     #: of the frame that was begun
        self._expired, self._quiet, self._asked = Signal(), Signal(), Signal()
        self._count(m)
        with m.FSM(name="runner"):
            with m.State("CHECK"):
                m.d.comb += self.clear.eq(1)
                operate(m, self.operation, self._asked, Operation.CHECK, 0, "DIGEST")
            with m.State("DIGEST"):
                operate(m, self.operation, self._asked, Operation.READ, Register.PROGRAM_DIGEST, "KEEP")
            with m.State("KEEP"):
                m.d.sync += self.tally.digest.eq(self.operation.value)
                m.next = "READY"
            with m.State("READY"):
                self._ready(m)
            with m.State("START"):
                operate(m, self.operation, self._asked, Operation.START, 0, "RUN")
            with m.State("RUN"):
                self._run(m)
            with m.State("CYCLES"):
                operate(m, self.operation, self._asked, Operation.READ, Register.FRAME_CYCLES, "LINE")
            with m.State("LINE"):
                m.d.sync += [self.tally.cycles.eq(self.operation.value), self.tally.frames.eq(self.tally.frames + 1)]
                self._write(m, answers=1)
            with m.State("WRITTEN"):
                with m.If(~self.line_start & ~self.line_busy):
                    m.next = "READY"
                    with m.If(self.engine.error):
                        m.next = "CHECK"
        return m

    def _count(self, m):
        """What goes on beside the states."""
        tally, frames = self.tally, self.frames
        begun, quiet, latency = (Signal(range(limit + 1)) for limit in
                                 (self._patience_cycles, self._quiet_cycles, (1 << CSR_BITS) - 1))
        m.d.sync += [self.line_start.eq(0), latency.eq(latency + 1),
                     tally.skipped.eq(tally.skipped + frames.skipped)]
        for count, limit, over in ((begun, self._patience_cycles, self._expired),
                                   (quiet, self._quiet_cycles, self._quiet)):
            m.d.sync += over.eq(count == limit)
            with m.If(count != limit):
                m.d.sync += count.eq(count + 1)
        with m.If(frames.faulty):
            m.d.sync += tally.dropped.eq(tally.dropped + 1)
            with m.If(~self._whole):            # else it is the frame behind that one
                m.d.sync += [self._failed.eq(1), self._faulty.eq(1)]
        with m.If(self.overflow):
            m.d.sync += self._failed.eq(1)
        with m.If(frames.whole):
            m.d.sync += self._whole.eq(1)
        with m.If(self.image_complete):
            m.d.sync += latency.eq(0)
        with m.If(frames.begin):
            m.d.sync += [begun.eq(0), self._expired.eq(0), self._failed.eq(0), self._faulty.eq(0), self._whole.eq(0)]
        with m.If(self.line_start):
            m.d.sync += [quiet.eq(0), self._quiet.eq(0)]
        self._latency = latency

    def _ready(self, m):
        m.d.comb += self.frames.ready.eq(self.engine.checked & ~self.engine.error & ~self._quiet)
        with m.If(self.frames.begin):
            m.d.comb += self.clear.eq(1)
            m.next = "START"
        with m.Elif(self._quiet):
            self._write(m, answers=0)

    def _run(self, m):
        tally = self.tally
        with m.If(self._failed | self._expired | self.engine.error):
            m.d.comb += self.frames.abandon.eq(~self._faulty & ~self.frames.faulty)     # else it has ended by itself
            with m.If(self.engine.error):
                m.d.sync += tally.errors.eq(tally.errors + 1)
            with m.Elif(~self._faulty & ~self.frames.faulty):
                m.d.sync += tally.dropped.eq(tally.dropped + 1)
            m.next = "CHECK"
        with m.Elif(self._whole & self.result_complete & self.engine.idle):
            m.d.sync += tally.latency.eq(self._latency)
            m.next = "CYCLES"

    def _write(self, m, *, answers: int):
        m.d.sync += [self.line_start.eq(1), self.line_answers.eq(answers)]
        m.next = "WRITTEN"
