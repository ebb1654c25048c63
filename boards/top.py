"""What goes on a board: the engine, its memories filled, behind a serial line."""

from amaranth.hdl import Const, Elaboratable, Module, Signal
from amaranth.lib import io

from boards.board import Board
from boards.clock import add_clock, plan_clock
from hw.csr import CONTROL, ERROR, Register
from hw.engine import Engine
from hw.link.raw_link import RawLink
from hw.link.uart import UartReceiver, UartTransmitter, bit_cycles

SILENCE_SECONDS = 0.05      #: a line silent for so long inside an image has lost a byte


class LinkedEngine(Elaboratable):
    """An engine with a byte line in place of its streams: everything of a board but its pins and clock.

    Attributes
    ----------
    rx, tx : Signal, in and out
        The serial line.
    """

    def __init__(self, engine: Engine, *, image_bytes: int, bit_cycles: int, silence_cycles: int):
        self.rx = Signal(init=1)
        self.tx = Signal(init=1)
        self._engine = engine
        self._link = RawLink(image_bytes=image_bytes, timeout_cycles=silence_cycles)
        self._bit_cycles = bit_cycles

    def elaborate(self, platform):
        m = Module()
        m.submodules.engine = self._engine
        m.submodules.link = self._link
        m.submodules.receiver = receiver = UartReceiver(self._bit_cycles)
        m.submodules.transmitter = transmitter = UartTransmitter(self._bit_cycles)
        m.d.comb += [receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx)]
        self._connect_bytes(m, receiver, transmitter)
        self._connect_engine(m)
        return m

    def _connect_bytes(self, m, receiver, transmitter):
        m.d.comb += [
            self._link.rx.payload.eq(receiver.o.payload),
            self._link.rx.valid.eq(receiver.o.valid),
            receiver.o.ready.eq(self._link.rx.ready),
            transmitter.i.payload.eq(self._link.tx.payload),
            transmitter.i.valid.eq(self._link.tx.valid),
            self._link.tx.ready.eq(transmitter.i.ready),
        ]

    def _connect_engine(self, m):
        engine, link = self._engine, self._link
        m.d.comb += [
            engine.s_axis_tdata.eq(link.image.payload.data),
            engine.s_axis_tlast.eq(link.image.payload.last),
            engine.s_axis_tvalid.eq(link.image.valid),
            link.image.ready.eq(engine.s_axis_tready),
            link.result.payload.data.eq(engine.m_axis_tdata),
            link.result.payload.last.eq(engine.m_axis_tlast),
            link.result.valid.eq(engine.m_axis_tvalid),
            engine.m_axis_tready.eq(link.result.ready),
            engine.csr_address.eq(Register.ERROR),
            link.error.eq(engine.csr_read_data[:ERROR["code"].width]),
        ]
        with m.If(link.reset):
            m.d.comb += [
                engine.csr_address.eq(Register.CONTROL),
                engine.csr_write.eq(1),
                engine.csr_write_data.eq(Const(CONTROL.const({"run": 1, "reset": 1}).as_value().value)),
            ]


class BoardTop(Elaboratable):
    """The top level for one board: oscillator, PLL, serial line, engine."""

    def __init__(self, board: Board, engine: Engine, *, image_bytes: int, clock_hz: float | None = None):
        self._board = board
        self._engine = engine
        self._image_bytes = image_bytes
        self._clock_hz = clock_hz or board.clock_hz

    def elaborate(self, platform):
        m = Module()
        oscillator = platform.request(platform.default_clk, dir="-")
        m.submodules.oscillator = clock_in = io.Buffer("i", oscillator)
        plan = plan_clock(platform, self._clock_hz)
        add_clock(m, platform, plan, clock_in.i)
        m.submodules.linked = linked = LinkedEngine(
            self._engine, image_bytes=self._image_bytes, bit_cycles=bit_cycles(plan.output_hz, self._board.baud),
            silence_cycles=round(SILENCE_SECONDS * plan.output_hz))
        pins = platform.lookup("uart", 0).ios
        line = platform.request("uart", 0, dir={pin.name: "-" for pin in pins})
        m.submodules.rx = rx = io.Buffer("i", line.rx)
        m.submodules.tx = tx = io.Buffer("o", line.tx)
        m.d.comb += [linked.rx.eq(rx.i), tx.o.eq(linked.tx)]
        return m
