"""What goes on a board: the engine, its memories filled, behind a serial line."""

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import io
from amaranth.lib.wiring import connect

from boards.board import Board
from boards.identity import identity
from boards.pll import add_pll, plan_pll
from hw.config import EngineConfig
from hw.engine import Engine
from hw.link.frame_link import FrameLink
from hw.link.uart import UartReceiver, UartTransmitter, bit_cycles

SLICE_SECONDS = 0.005       #: longest that one IMAGE command waits for the engine
PATIENCE_SECONDS = 2.0      #: a run that stands still for so long is abandoned


class LinkedEngine(Elaboratable):
    """An engine behind a serial line: everything of a board but its pins and clock.

    Parameters
    ----------
    engine : Engine
        Of `cfg`.
    identity : bytes
        What the board says about itself, see `boards.identity`.
    bit_cycles : int
        Of the serial line.
    clock_hz : float
        For the times of the link.

    Attributes
    ----------
    rx, tx : Signal, in and out
        The serial line.
    """

    def __init__(self, cfg: EngineConfig, engine: Engine, *, identity: bytes, bit_cycles: int, clock_hz: float):
        self.rx = Signal(init=1)
        self.tx = Signal(init=1)
        self._engine = engine
        self._link = FrameLink(cfg, identity=identity, slice_cycles=round(SLICE_SECONDS * clock_hz),
                               patience_cycles=round(PATIENCE_SECONDS * clock_hz))
        self._bit_cycles = bit_cycles

    def elaborate(self, platform):
        m = Module()
        m.submodules.engine = self._engine
        m.submodules.link = link = self._link
        m.submodules.receiver = receiver = UartReceiver(self._bit_cycles)
        m.submodules.transmitter = transmitter = UartTransmitter(self._bit_cycles)
        m.d.comb += [receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx)]
        connect(m, receiver.o, link.rx)
        connect(m, link.tx, transmitter.i)
        connect_link(m, link, self._engine)
        return m


def connect_link(m, link: FrameLink, engine: Engine):
    """The link's side of an engine: bus and streams."""
    m.d.comb += [
        engine.s_axis_tdata.eq(link.image.payload.data), engine.s_axis_tlast.eq(link.image.payload.last),
        engine.s_axis_tvalid.eq(link.image.valid), link.image.ready.eq(engine.s_axis_tready),
        link.result.payload.data.eq(engine.m_axis_tdata), link.result.payload.last.eq(engine.m_axis_tlast),
        link.result.valid.eq(engine.m_axis_tvalid), engine.m_axis_tready.eq(link.result.ready),
        engine.csr_address.eq(link.csr_address), engine.csr_write.eq(link.csr_write),
        engine.csr_write_data.eq(link.csr_write_data), link.csr_read_data.eq(engine.csr_read_data),
    ]


class BoardTop(Elaboratable):
    """The top level for one board: oscillator, PLL, serial line, engine (of `board.engine`)."""

    def __init__(self, board: Board, engine: Engine):
        self._board = board
        self._engine = engine

    def elaborate(self, platform):
        m = Module()
        board = self._board
        oscillator = platform.request(platform.default_clk, dir="-")
        m.submodules.oscillator = clock_in = io.Buffer("i", oscillator)
        plan = plan_pll(platform.default_clk_frequency, board.clock_hz)
        add_pll(m, platform, plan, clock_in.i)
        m.submodules.linked = linked = LinkedEngine(
            board.engine, self._engine, identity=identity(board, plan.output_hz),
            bit_cycles=bit_cycles(plan.output_hz, board.baud), clock_hz=plan.output_hz)
        pins = platform.lookup("uart", 0).ios
        line = platform.request("uart", 0, dir={pin.name: "-" for pin in pins})
        m.submodules.rx = rx = io.Buffer("i", line.rx)
        m.submodules.tx = tx = io.Buffer("o", line.tx)
        m.d.comb += [linked.rx.eq(rx.i), tx.o.eq(linked.tx)]
        return m
