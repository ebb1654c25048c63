"""Sets a camera's registers once, over SCCB: two wires, and no answer that would be waited for."""

from collections.abc import Sequence
from contextlib import contextmanager

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

QUARTERS = 4            #: of a bit: data, clock rises, clock high, clock falls
PHASE_BITS = 9          #: eight, and one in which the camera may answer


class SccbMaster(wiring.Component):
    """Writes settings in their order, once after reset, each as a three-phase write: address, register, value.

    OmniVision, "Serial Camera Control Bus (SCCB) Specification". A register of 16 bits takes two phases. The ninth
    bit of a phase is the camera's: it may pull the line low, and whether it always did is `answered`; nothing depends
    on it.

    Latency     `pause_cycles` before each setting: a camera takes some time to wake up, and to reset itself.
    Stalling    none.

    Parameters
    ----------
    address : int
        Of the camera, for writing, with its lowest bit.
    settings : sequence of (register, value)
    register_bytes : int
        1 or 2.
    quarter_cycles : int
        Of a quarter of a bit.
    pause_cycles : int

    Members
    -------
    clock : Out(1)
        The line SIO_C.
    pull : Out(1)
        Pull the line SIO_D low; otherwise a resistor pulls it up.
    line : In(1)
        What it is; asynchronous, looked at in the middle of a bit.
    done : Out(1)
        All are written.
    answered : Out(1)
        The camera has pulled the line low in every ninth bit so far.
    """

    def __init__(self, address: int, settings: Sequence[tuple[int, int]], *, register_bytes: int = 1,
                 quarter_cycles: int, pause_cycles: int):
        if register_bytes not in (1, 2) or not settings:
            raise ValueError("settings must be one or more, of registers of 1 or 2 bytes")
        self._address, self._settings, self._register_bytes = address, list(settings), register_bytes
        self._quarter_cycles, self._pause_cycles = quarter_cycles, pause_cycles
        super().__init__({"clock": Out(1, init=1), "pull": Out(1), "line": In(1, init=1), "done": Out(1),
                          "answered": Out(1, init=1)})

    def elaborate(self, platform):
        m = Module()
        phases = 2 + self._register_bytes
        self._bits = phases * PHASE_BITS
        m.submodules.settings = settings = Memory(
            shape=8 * (phases - 1), depth=len(self._settings), attrs={"ram_style": "logic"},
            init=[register << 8 | value for register, value in self._settings])
        read = settings.read_port(domain="comb")
        self._place = Signal(range(len(self._settings) + 1))
        self._timer = Signal(range(max(self._quarter_cycles, self._pause_cycles) + 1), init=self._pause_cycles)
        self._quarter, self._level = Signal(range(QUARTERS)), Signal(init=1)
        octets = [Const(self._address, 8), *(read.data.word_select(n, 8) for n in reversed(range(phases - 1)))]
        m.d.comb += read.addr.eq(self._place)
        m.d.sync += [self._timer.eq(self._timer - 1), self.pull.eq(~self._level)]
        with m.FSM(name="sccb"):
            self._write_bits(m, octets)
            with m.State("STOP"):       # the line rises while the clock is high
                with self._next_quarter(m), m.Switch(self._quarter):
                    with m.Case(0):
                        m.d.sync += self._level.eq(0)
                    with m.Case(1):
                        m.d.sync += self.clock.eq(1)
                    with m.Case(2):
                        m.d.sync += self._level.eq(1)
                    with m.Case(3):
                        m.d.sync += [self._place.eq(self._place + 1), self._timer.eq(self._pause_cycles)]
                        m.next = "PAUSE"
        return m

    @contextmanager
    def _next_quarter(self, m):
        """What happens at the end of one."""
        with m.If(self._timer == 0):
            m.d.sync += [self._timer.eq(self._quarter_cycles - 1), self._quarter.eq(self._quarter + 1)]
            yield

    def _write_bits(self, m, octets):
        """PAUSE, START, and the bits of all phases, of which each ninth is 1: the line is let go."""
        shift, left, phase_bit = Signal(self._bits), Signal(range(self._bits + 1)), Signal(range(PHASE_BITS))
        with m.State("PAUSE"):
            m.d.sync += shift.eq(Cat(*(Cat(Const(1, 1), octet) for octet in reversed(octets))))
            with m.If(self._place == len(self._settings)):
                m.d.sync += self.done.eq(1)
            with m.Elif(self._timer == 0):
                m.d.sync += [self._timer.eq(self._quarter_cycles - 1), self._level.eq(0), self._quarter.eq(0),
                             left.eq(self._bits), phase_bit.eq(0)]
                m.next = "START"
        with m.State("START"):          # the line has fallen while the clock is high
            with m.If(self._timer == 0):
                m.d.sync += [self._timer.eq(self._quarter_cycles - 1), self.clock.eq(0)]
                m.next = "BIT"
        with m.State("BIT"):
            with self._next_quarter(m), m.Switch(self._quarter):
                with m.Case(0):
                    m.d.sync += self._level.eq(shift[-1])
                with m.Case(1):
                    m.d.sync += self.clock.eq(1)
                with m.Case(2):
                    with m.If(phase_bit == PHASE_BITS - 1):
                        m.d.sync += self.answered.eq(self.answered & ~self.line)
                with m.Case(3):
                    m.d.sync += [self.clock.eq(0), shift.eq(Cat(0, shift)), left.eq(left - 1),
                                 phase_bit.eq(Mux(phase_bit == PHASE_BITS - 1, 0, phase_bit + 1))]
                    with m.If(left == 1):
                        m.next = "STOP"
