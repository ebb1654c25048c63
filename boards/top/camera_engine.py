"""All of a board with a camera but its pins and its clock: camera, engine, answers on a serial line."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib.wiring import connect

from firelane.hw.camera.camera_link import CameraLink
from firelane.hw.camera.pattern_camera import PatternTiming
from firelane.hw.camera.sccb_master import SccbMaster
from firelane.hw.contract.camera import LED_BITS, CameraInput
from firelane.hw.engine import Engine
from firelane.hw.link.uart import UartTransmitter


@dataclass(frozen=True, kw_only=True)
class CameraTiming:
    """What the gateware of a camera counts in cycles.

    Parameters
    ----------
    clock_hz : int
        The engine's.
    bit_cycles : int
        Of the serial line.
    clock_divider : int
        Of the engine's clock, for the camera's; even.
    patience_cycles, quiet_cycles : int
        See `CameraRunner`.
    sccb_quarter_cycles, sccb_pause_cycles : int
        See `SccbMaster`.
    pattern : PatternTiming
    """

    clock_hz: int
    bit_cycles: int
    clock_divider: int
    patience_cycles: int
    quiet_cycles: int
    sccb_quarter_cycles: int
    sccb_pause_cycles: int
    pattern: PatternTiming


@dataclass(frozen=True)
class CameraSettings:
    """What the camera is told after power-up: its address for writing, and values of registers in their order."""

    address: int
    register_bytes: int
    values: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class CameraPlan:
    """All that the gateware of a camera needs to know, of camera, network and board.

    Parameters
    ----------
    wanted : CameraInput
    classes : int
        Bytes of the network's result.
    queue_bytes : int
    settings : CameraSettings
    timing : CameraTiming
    """

    wanted: CameraInput
    classes: int
    queue_bytes: int
    settings: CameraSettings
    timing: CameraTiming


class CameraEngine(Elaboratable):
    """An engine that a camera feeds, and that says what it sees.

    Attributes
    ----------
    pclk, href, vsync, data : Signal, in
        The camera's.
    test : Signal, in
        Take the test pattern.
    xclk : Signal, out
        The camera's clock.
    sioc, siod_pull, siod : Signal, out, out, in
        The lines of SCCB; `siod_pull`: pull it low.
    tx : Signal, out
        The serial line, idle high.
    leds : Signal, out
    """

    def __init__(self, engine: Engine, plan: CameraPlan):
        self._engine, self._plan = engine, plan
        timing, settings = plan.timing, plan.settings
        self._link = CameraLink(plan.wanted, classes=plan.classes, clock_hz=timing.clock_hz, pattern=timing.pattern,
                                queue_bytes=plan.queue_bytes, patience_cycles=timing.patience_cycles,
                                quiet_cycles=timing.quiet_cycles)
        self._sccb = SccbMaster(settings.address, settings.values, register_bytes=settings.register_bytes,
                                quarter_cycles=timing.sccb_quarter_cycles, pause_cycles=timing.sccb_pause_cycles)
        self.pclk = Signal()
        self.href = Signal()
        self.vsync = Signal()
        self.data = Signal(8)
        self.test = Signal()
        self.xclk = Signal()
        self.sioc = Signal(init=1)
        self.siod_pull = Signal()
        self.siod = Signal(init=1)
        self.tx = Signal(init=1)
        self.leds = Signal(LED_BITS)

    @property
    def ports(self) -> list[Signal]:
        return [self.pclk, self.href, self.vsync, self.data, self.test, self.xclk, self.sioc, self.siod_pull,
                self.siod, self.tx, self.leds]

    def elaborate(self, platform):
        m = Module()
        m.submodules.engine = self._engine
        m.submodules.link = link = self._link
        m.submodules.sccb = sccb = self._sccb
        m.submodules.transmitter = transmitter = UartTransmitter(self._plan.timing.bit_cycles)
        for name in ("pclk", "href", "vsync", "data"):
            m.d.comb += getattr(link.pins, name).eq(getattr(self, name))
        connect(m, link.csr, self._engine.csr)
        connect(m, link.image, self._engine.image)
        connect(m, self._engine.result, link.result)
        connect(m, link.tx, transmitter.i)
        m.d.comb += [
            link.test.eq(self.test), self.tx.eq(transmitter.tx), self.leds.eq(link.leds),
            self.sioc.eq(sccb.clock), self.siod_pull.eq(sccb.pull), sccb.line.eq(self.siod),
        ]
        self._make_clock(m)
        return m

    def _make_clock(self, m):
        half = self._plan.timing.clock_divider // 2
        timer = Signal(range(half + 1))
        m.d.sync += timer.eq(timer + 1)
        with m.If(timer == half - 1):
            m.d.sync += [timer.eq(0), self.xclk.eq(~self.xclk)]
