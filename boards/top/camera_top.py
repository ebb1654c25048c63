"""The top level of a board with a camera: oscillator, PLL, pins, and `CameraEngine`."""

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import io

from firelane.boards.board import Board
from firelane.boards.top.camera_engine import CameraEngine, CameraPlan
from firelane.boards.top.clock import add_clock, plan_clock
from firelane.hw.contract.camera import LED_BITS
from firelane.hw.engine import Engine


class CameraTop(Elaboratable):
    """An engine of `board.engine` on its board, that a camera at `board.camera` feeds from power-up on."""

    def __init__(self, board: Board, engine: Engine, plan: CameraPlan):
        assert board.camera is not None, "checked by `boards.camera.planning`"
        self._board, self._header = board, board.camera
        self._seeing = CameraEngine(engine, plan)

    def elaborate(self, platform):
        m = Module()
        platform.add_resources([self._header.resource()])
        m.submodules.oscillator = clock_in = io.Buffer("i", platform.request(platform.default_clk, dir="-"))
        add_clock(m, platform, plan_clock(platform, self._board.clock_hz), clock_in.i)
        m.submodules.seeing = seeing = self._seeing
        self._connect_camera(m, platform)
        self._connect_line(m, platform)
        name, number = self._header.test
        m.submodules.test = test = io.Buffer("i", platform.request(name, number, dir="-"))
        m.d.comb += seeing.test.eq(test.i)
        for n in range(LED_BITS):
            m.submodules[f"led{n}"] = led = io.Buffer("o", platform.request("led", n, dir="-"))
            m.d.comb += led.o.eq(seeing.leds[n])
        return m

    def _connect_camera(self, m, platform):
        seeing = self._seeing
        names = ("data", "pclk", "href", "vsync", "xclk", "sioc", "siod", "reset", "pwdn")
        pins = platform.request("camera", 0, dir=dict.fromkeys(names, "-"))
        for name in ("data", "pclk", "href", "vsync"):
            m.submodules[f"camera_{name}"] = pin = io.Buffer("i", getattr(pins, name))
            m.d.comb += getattr(seeing, name).eq(pin.i)
        # RESET is low-active, PWDN high-active: the camera is always on, and is reset over SCCB.
        for name, level in (("xclk", seeing.xclk), ("sioc", seeing.sioc), ("reset", 1), ("pwdn", 0)):
            m.submodules[f"camera_{name}"] = pin = io.Buffer("o", getattr(pins, name))
            m.d.comb += pin.o.eq(level)
        m.submodules.camera_siod = siod = io.Buffer("io", pins.siod)
        m.d.comb += [siod.o.eq(0), siod.oe.eq(seeing.siod_pull), seeing.siod.eq(siod.i)]

    def _connect_line(self, m, platform):
        line = platform.request("uart", 0, dir={pin.name: "-" for pin in platform.lookup("uart", 0).ios})
        m.submodules.tx = tx = io.Buffer("o", line.tx)
        m.d.comb += tx.o.eq(self._seeing.tx)
