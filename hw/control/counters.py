"""What a frame cost."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.pipeline import delay_control
from firelane.hw.contract.config import EngineConfig, bits_for

COUNTER_BITS = 32
EVENTS = ("taps", "stall_decoder", "stall_drain", "stall_input", "stall_output")

FRAME_COUNTS = data.StructLayout({"cycles": COUNTER_BITS, **dict.fromkeys(EVENTS, COUNTER_BITS)})
"""Counts of one frame: its cycles, its taps, and the cycles in which each of the other EVENTS was true."""


class FrameCounters(wiring.Component):
    """Counts from `frame_start` (that cycle excluded) to `frame_end` (included), and keeps the result of the frame.

    Latency     `last` and `frames` change 2 cycles after `frame_end`: all inputs come from afar, and are registered.
    Limits      counters wrap at 2**32.

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    frame_start, frame_end : In(1)
        Pulses.
    events : In(taps issued in this cycle, and a bit for each other one of EVENTS)
    last : Out(FRAME_COUNTS)
        Counts of the last complete frame.
    frames : Out(32)
        Complete frames since reset.
    """

    def __init__(self, cfg: EngineConfig):
        events = dict.fromkeys(EVENTS, 1) | {"taps": bits_for(cfg.taps_per_cycle + 1)}
        super().__init__({"frame_start": In(1), "frame_end": In(1), "events": In(data.StructLayout(events)),
                          "last": Out(FRAME_COUNTS), "frames": Out(COUNTER_BITS)})

    def elaborate(self, platform):
        m = Module()
        frame_start = delay_control(m, self.frame_start, 1, name="frame_start")
        frame_end = delay_control(m, self.frame_end, 1, name="frame_end")
        events = delay_control(m, self.events, 1, name="events")
        for name, event in (("cycles", 1), *((name, events[name]) for name in EVENTS)):
            count = Signal(COUNTER_BITS, name=f"count_{name}")
            total = Signal(COUNTER_BITS, name=f"total_{name}")
            m.d.comb += total.eq(count + event)
            m.d.sync += count.eq(total)
            with m.If(frame_start):
                m.d.sync += count.eq(0)
            with m.If(frame_end):
                m.d.sync += self.last[name].eq(total)
        with m.If(frame_end):
            m.d.sync += self.frames.eq(self.frames + 1)
        return m
