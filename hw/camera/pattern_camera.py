"""Frames without a camera."""

from dataclasses import dataclass

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from firelane.hw.camera.dvp_receiver import DvpPins
from firelane.hw.contract.camera import CameraInput

LINE_STEP = 2           #: a line's bytes are those of the line above, and so much more
VSYNC_LINES = 3


@dataclass(frozen=True, kw_only=True)
class PatternTiming:
    """Cycles of a byte, an even number; bytes and blank together of a line; lines and blank together of a frame."""

    byte_cycles: int
    line_slots: int
    frame_lines: int


class PatternCamera(wiring.Component):
    """A camera whose every frame is the same: byte n of line y is n + 2 y, its lower 8 bits.

    Parameters
    ----------
    wanted : CameraInput
    timing : PatternTiming

    Members
    -------
    pins : Out(DvpPins())
    """

    def __init__(self, wanted: CameraInput, timing: PatternTiming):
        if timing.line_slots <= wanted.line_bytes or timing.frame_lines < wanted.lines + 2 * VSYNC_LINES:
            raise ValueError(f"a frame of {wanted.columns} x {wanted.lines} pixels has no room in {timing}")
        self._wanted, self._timing = wanted, timing
        super().__init__({"pins": Out(DvpPins())})

    def elaborate(self, platform):
        m, wanted, timing, pins = Module(), self._wanted, self._timing, self.pins
        phase, slot = Signal(range(timing.byte_cycles)), Signal(range(timing.line_slots))
        line = Signal(range(timing.frame_lines))
        first = Signal(8)                                       #: byte of the line
        m.d.sync += [
            phase.eq(phase + 1), pins.pclk.eq(phase >= timing.byte_cycles // 2),
            pins.href.eq((slot < wanted.line_bytes) & (line < wanted.lines)), pins.data.eq(first + slot),
            pins.vsync.eq(line >= timing.frame_lines - VSYNC_LINES),
        ]
        with m.If(phase == timing.byte_cycles - 1):
            m.d.sync += [phase.eq(0), slot.eq(slot + 1)]
            with m.If(slot == timing.line_slots - 1):
                m.d.sync += [slot.eq(0), line.eq(line + 1), first.eq(first + LINE_STEP)]
                with m.If(line == timing.frame_lines - 1):
                    m.d.sync += [line.eq(0), first.eq(0)]
        return m
