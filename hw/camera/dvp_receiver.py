"""A camera's parallel port (DVP): pixel clock, line, frame and eight bits, as events of the engine's clock."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.pipeline import delay_control
from firelane.hw.blocks.ports import Port

FILTER_CYCLES = 3               #: cycles for which `href` and `vsync` must stay before they count
LEAST_CLOCK_RATIO = 2.5         #: cycles of the engine's clock in one of the pixel clock, each half at least one long


class DvpPins(Port):
    """The pins of a camera that say something, from the camera.

    Members
    -------
    pclk : Out(1)
        The other pins are good at its rising edge.
    href : Out(1)
        High while the bytes of a line come.
    vsync : Out(1)
        High between two frames.
    data : Out(8)
    """

    def __init__(self):
        super().__init__({"pclk": Out(1), "href": Out(1), "vsync": Out(1), "data": Out(8)})


class DvpEvents(Port):
    """What a camera sends, from the side that receives it.

    Members
    -------
    byte : Out(stream of 8, always_ready)
        Of a line.
    line_start, line_end : Out(1)
        Pulses. No byte of a line comes in the cycle of its `line_start` or before it, or behind its `line_end`.
    frame_start : Out(1)
        Pulse: `vsync` rises. What comes next belongs to another frame.
    """

    def __init__(self):
        super().__init__({"byte": Out(stream.Signature(8, always_ready=True)),
                          "line_start": Out(1), "line_end": Out(1), "frame_start": Out(1)})


class DvpReceiver(wiring.Component):
    """Samples the pins with the engine's clock: a pixel clock that stops or stutters is no clock of ours.

    The engine's clock is LEAST_CLOCK_RATIO times as fast as the pixel clock at least. A byte is what the data pins
    show at the first sample in which the pixel clock is high: at most a cycle after its edge, and a camera keeps its
    data for half a period. Levels of `href` and `vsync` that are shorter than FILTER_CYCLES samples are noise; they are
    delayed for that, and so is everything else.

    Latency     9 cycles at most from an edge to its event.
    Throughput  a byte a period of the pixel clock.
    Stalling    none possible.

    Members
    -------
    pins : In(DvpPins())
        Asynchronous.
    events : Out(DvpEvents())
    """

    pins: In(DvpPins())
    events: Out(DvpEvents())

    def elaborate(self, platform):
        m = Module()
        pins, synchronous = self.pins, {}
        for name in ("pclk", "href", "vsync", "data"):
            pin = getattr(pins, name)
            synchronous[name] = Signal.like(pin, name=f"{name}_synchronous")
            m.submodules[f"{name}_synchronizer"] = FFSynchronizer(pin, synchronous[name])
        href, vsync = (self._filtered(m, synchronous[name], name) for name in ("href", "vsync"))
        pclk = delay_control(m, synchronous["pclk"], FILTER_CYCLES, name="pclk")
        data = delay_control(m, synchronous["data"], FILTER_CYCLES, name="data")
        pclk_before, href_before, vsync_before = Signal(), Signal(), Signal()
        events, byte, ends = self.events, Signal.like(self.events.byte.payload, reset_less=True), Signal()
        taken = Signal()
        m.d.sync += [
            pclk_before.eq(pclk), href_before.eq(href), vsync_before.eq(vsync),
            taken.eq(pclk & ~pclk_before & href), byte.eq(data),
            events.byte.valid.eq(taken), events.byte.payload.eq(byte),          # a cycle behind `line_start`
            events.line_start.eq(href & ~href_before),
            ends.eq(~href & href_before), events.line_end.eq(ends),             # and `line_end` behind the last one
            events.frame_start.eq(vsync & ~vsync_before),
        ]
        return m

    @staticmethod
    def _filtered(m, level, name: str):
        """`level`, FILTER_CYCLES later, without what is shorter than that."""
        samples = Signal(FILTER_CYCLES - 1, name=f"{name}_samples")
        steady = Signal(name=f"{name}_steady")
        window = Cat(level, samples)
        m.d.sync += samples.eq(window)
        with m.If(window.all()):
            m.d.sync += steady.eq(1)
        with m.Elif(~window.any()):
            m.d.sync += steady.eq(0)
        return steady
