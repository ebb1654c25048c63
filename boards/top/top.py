"""The top level that goes on a board: oscillator, PLL, pins, and `LinkedEngine`."""

from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Module, ResetSignal, Signal
from amaranth.lib import io

from firelane.boards.board import Board
from firelane.boards.top.clock import add_clock, plan_clock
from firelane.boards.top.identity import Identity
from firelane.boards.top.link_timing import link_timing
from firelane.boards.top.linked_engine import LinkedEngine
from firelane.hw.blocks.pipeline import copies
from firelane.hw.engine import Engine

LINK = "link"           #: clock domain of the link: the engine's clock, and a reset a cycle later


def board_identity(board: Board) -> Identity:
    """What the board will say, with the clock that its PLL makes."""
    plan = plan_clock(board.platform(), board.clock_hz)
    return Identity(board=board.name, clock_hz=round(plan.output_hz), engine=board.engine)


class BoardTop(Elaboratable):
    """An engine of `board.engine` on its board, with a clock of `board.clock_hz` or the nearest that the PLL makes."""

    def __init__(self, board: Board, engine: Engine):
        self._board = board
        self._engine = engine

    def elaborate(self, platform):
        m = Module()
        oscillator = platform.request(platform.default_clk, dir="-")
        m.submodules.oscillator = clock_in = io.Buffer("i", oscillator)
        plan = plan_clock(platform, self._board.clock_hz)
        add_clock(m, platform, plan, clock_in.i)
        self._add_link_domain(m)
        m.submodules.linked = linked = LinkedEngine(
            self._engine, board_identity(self._board), link_timing(plan.output_hz, self._board.baud),
            result_bytes=self._board.result_bytes, link_domain=LINK)
        pins = platform.lookup("uart", 0).ios
        line = platform.request("uart", 0, dir={pin.name: "-" for pin in pins})
        m.submodules.rx = rx = io.Buffer("i", line.rx)
        m.submodules.tx = tx = io.Buffer("o", line.tx)
        m.d.comb += [linked.rx.eq(rx.i), tx.o.eq(linked.tx)]
        return m

    def _add_link_domain(self, m):
        domain, reset = ClockDomain(LINK), Signal(name="engine_reset")
        m.domains += domain
        m.d.comb += reset.eq(ResetSignal())
        register, = copies(m, reset, 1, name="link_reset")
        m.d.comb += [domain.clk.eq(ClockSignal()), domain.rst.eq(register)]
