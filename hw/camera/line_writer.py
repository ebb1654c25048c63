"""Numbers as a line of text: for people with a terminal, and for `boards.host.watch`."""

from collections.abc import Sequence

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.contract.config import bits_for

NUMBER_BITS = 32
DIGITS = 10
HEX = b"0123456789ABCDEF"


class LineWriter(wiring.Component):
    """Writes `$prefix,number,number,...*checksum` and the end of the line, as NMEA 0183 has it.

    Numbers are decimal; the checksum, two hexadecimal digits, is the exclusive or of what is between $ and *.

    Latency     up to 10 cycles a digit of a number.
    Throughput  a line at a time.
    Stalling    on `o`.

    Parameters
    ----------
    prefixes : sequence of bytes
        Kinds of lines, all of the same length.
    counts : sequence of int
        How many numbers each has.

    Members
    -------
    start : In(1)
        Pulse, while not `busy`.
    kind : In
        Which of the prefixes. It and the numbers stay until not `busy`.
    number0, number1, ... : In(32)
    busy : Out(1)
        From the cycle after `start` on.
    o : Out(stream of 8)
    """

    def __init__(self, prefixes: Sequence[bytes], counts: Sequence[int]):
        if len({len(prefix) for prefix in prefixes}) != 1 or len(prefixes) != len(counts):
            raise ValueError("prefixes must have the same length, and a count each")
        self._prefixes, self._counts = tuple(prefixes), tuple(counts)
        super().__init__({
            "start": In(1), "kind": In(bits_for(len(prefixes))), "busy": Out(1), "o": Out(stream.Signature(8)),
            **{f"number{n}": In(NUMBER_BITS) for n in range(max(counts))},
        })

    def elaborate(self, platform):
        m = Module()
        self._byte, self._send, self._sent = Signal(8), Signal(), Signal()
        self._check, self._covered = Signal(8), Signal()       #: what the checksum is so far; the byte counts for it
        self._index = Signal(range(max(max(self._counts) + 1, len(self._prefixes[0]) + 1)))
        m.d.comb += self._sent.eq(self._send & (~self.o.valid | self.o.ready))
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self._sent):
            m.d.sync += [self.o.valid.eq(1), self.o.payload.eq(self._byte)]
            with m.If(self._covered):
                m.d.sync += self._check.eq(self._check ^ self._byte)
        with m.FSM(name="line") as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("IDLE"))
            self._begin(m)
            self._number(m)
            self._end(m)
        return m

    def _put(self, m, byte, following: str, *, covered: bool = True):
        m.d.comb += [self._send.eq(1), self._byte.eq(byte), self._covered.eq(int(covered))]
        with m.If(self._sent):
            m.next = following

    def _begin(self, m):
        with m.State("IDLE"):
            m.d.sync += [self._check.eq(0), self._index.eq(0)]
            with m.If(self.start):
                m.next = "DOLLAR"
        with m.State("DOLLAR"):
            self._put(m, ord("$"), "PREFIX", covered=False)
        with m.State("PREFIX"):
            length = len(self._prefixes[0])
            texts = Array(Array(prefix)[self._index] for prefix in self._prefixes)
            self._put(m, texts[self.kind] if len(self._prefixes) > 1 else texts[0], "PREFIX")
            with m.If(self._sent):
                m.d.sync += self._index.eq(self._index + 1)
                with m.If(self._index == length - 1):
                    m.d.sync += self._index.eq(0)
                    m.next = "COMMA"

    def _number(self, m):
        value, digit = Signal(NUMBER_BITS), Signal(4)
        place, seen = Signal(range(DIGITS)), Signal()           #: digits to come behind this one; one was not 0
        less = Signal(NUMBER_BITS + 1)
        numbers = Array(getattr(self, f"number{n}") for n in range(max(self._counts)))
        m.d.comb += less.eq(value - Array(10 ** n for n in range(DIGITS))[place])
        with m.State("COMMA"):
            m.d.sync += [value.eq(numbers[self._index]), place.eq(DIGITS - 1), digit.eq(0), seen.eq(0)]
            self._put(m, ord(","), "DIVIDE")
        with m.State("DIVIDE"):
            with m.If(~less[-1]):
                m.d.sync += [value.eq(less), digit.eq(digit + 1), seen.eq(1)]
            with m.Elif(seen | (place == 0)):
                m.next = "DIGIT"
            with m.Else():
                m.d.sync += place.eq(place - 1)
        with m.State("DIGIT"):
            self._put(m, ord("0") + digit, "DIVIDE")
            with m.If(self._sent):
                m.d.sync += [digit.eq(0), place.eq(place - 1)]
                with m.If(place == 0):
                    m.d.sync += self._index.eq(self._index + 1)
                    m.next = "COMMA"
                    with m.If(self._index == Array(count - 1 for count in self._counts)[self.kind]):
                        m.next = "STAR"

    def _end(self, m):
        upper = Signal()
        nibble = Mux(upper, self._check[4:], self._check[:4])
        with m.State("STAR"):
            m.d.sync += upper.eq(1)
            self._put(m, ord("*"), "CHECKSUM", covered=False)
        with m.State("CHECKSUM"):
            self._put(m, Array(HEX)[nibble], "CHECKSUM", covered=False)
            with m.If(self._sent):
                m.d.sync += upper.eq(0)
                with m.If(~upper):
                    m.next = "RETURN"
        with m.State("RETURN"):
            self._put(m, ord("\r"), "FEED", covered=False)
        with m.State("FEED"):
            self._put(m, ord("\n"), "IDLE", covered=False)
