"""One symbol a cycle out of a canonical prefix code of at most 8 bits: first all lengths, then the symbol."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.contract.config import CODE_CHUNK_BITS, MAX_CODE_BITS
from firelane.hw.taps.bit_reader import LENGTH_BITS, MEASURED_CHUNK

PREFIX_CODE = data.StructLayout({
    "limit": data.ArrayLayout(MAX_CODE_BITS + 1, MAX_CODE_BITS),
    "offset": data.ArrayLayout(MAX_CODE_BITS, MAX_CODE_BITS),
})
"""A prefix code: `limit` and `offset` of `hw.contract.instruction.CODE_WORD` for lengths 1 .. 8. Limits never fall."""


class LengthFinder(wiring.Component):
    """Finds the length of the code that would begin at each bit of a stream.

    Latency     2 cycles from the transfer of the *next* chunk, which is needed to see the codes that begin in this one.
    Throughput  1 chunk a cycle.

    Members
    -------
    code : In(PREFIX_CODE)
        Stable while chunks are measured.
    clear : In(1)
        Forget all chunks. None is taken in this cycle.
    i : In(stream of 9)
    o : Out(stream of MEASURED_CHUNK)
        Where no code begins, the length is 8.
    empty : Out(1)
        No chunk comes out unless one more goes in.
    """

    def __init__(self):
        super().__init__({"code": In(PREFIX_CODE), "clear": In(1), "i": In(stream.Signature(CODE_CHUNK_BITS)),
                          "o": Out(stream.Signature(MEASURED_CHUNK)), "empty": Out(1)})

    def elaborate(self, platform):
        m = Module()
        move = Signal()
        chunk, compared, measured = (Signal(CODE_CHUNK_BITS, reset_less=True), Signal(CODE_CHUNK_BITS, reset_less=True),
                                     Signal(MEASURED_CHUNK, reset_less=True))
        longer = Signal(data.ArrayLayout(MAX_CODE_BITS - 1, CODE_CHUNK_BITS), reset_less=True)
        have_chunk, have_compared = Signal(), Signal()
        m.d.comb += [
            move.eq((self.o.ready | ~self.o.valid) & ~self.clear),
            self.i.ready.eq(move),
            self.o.payload.eq(measured),
            self.empty.eq(~have_compared & ~self.o.valid & ~self.i.valid),
        ]
        with m.If(move):
            m.d.sync += [have_compared.eq(have_chunk & self.i.valid), self.o.valid.eq(have_compared)]
            with m.If(have_compared):
                m.d.sync += [measured.bits.eq(compared), measured.lengths.eq(Cat(_ones(each) for each in longer))]
            with m.If(self.i.valid):
                m.d.sync += [chunk.eq(self.i.payload), compared.eq(chunk), have_chunk.eq(1),
                             longer.eq(self._compare(Cat(chunk, self.i.payload)))]
        with m.If(self.clear):
            m.d.sync += [have_chunk.eq(0), have_compared.eq(0), self.o.valid.eq(0)]
        return m

    def _compare(self, bits):
        """Whether the code that begins at each bit of a chunk is longer, for lengths 1 .. 7."""
        windows = [bits[first:first + MAX_CODE_BITS][::-1] for first in range(CODE_CHUNK_BITS)]
        return Cat(window >= self.code.limit[n] for window in windows for n in range(MAX_CODE_BITS - 1))


def _ones(longer):
    """Number of ones of a thermometer code of 7 bits: few gates, since ones come before zeros."""
    return Cat((longer[0] & ~longer[1]) | (longer[2] & ~longer[3]) | (longer[4] & ~longer[5]) | longer[6],
               (longer[1] & ~longer[3]) | longer[5],
               longer[3])


class PrefixDecoder(wiring.Component):
    """Finds the symbol of a code of known length.

    Latency     PREFIX_CYCLES from `window` to `symbol`, `plain`, `bad`.
    Throughput  1 symbol a cycle.

    Members
    -------
    code : In(PREFIX_CODE)
        Stable while symbols are decoded.
    window : In(8), length_less_one : In(3)
        Next bits of the stream, the first in bit 0; length of the code.
    symbol : Out(8)
    plain : Out(8)
        The window from which `symbol` was found.
    bad : Out(1)
        No code begins like this.
    """

    def __init__(self):
        super().__init__({"code": In(PREFIX_CODE), "window": In(MAX_CODE_BITS), "length_less_one": In(LENGTH_BITS),
                          "symbol": Out(MAX_CODE_BITS), "plain": Out(MAX_CODE_BITS), "bad": Out(1)})

    def elaborate(self, platform):
        m = Module()
        found_bits = Signal(MAX_CODE_BITS, reset_less=True)     # first bit of the stream is the most significant one
        found_length = Signal(LENGTH_BITS, reset_less=True)
        symbol, plain = Signal(MAX_CODE_BITS, reset_less=True), Signal(MAX_CODE_BITS, reset_less=True)
        bad = Signal(reset_less=True)
        m.d.sync += [
            found_bits.eq(self.window[::-1]),
            found_length.eq(self.length_less_one),
            # 8 - length = 7 - length_less_one = ~length_less_one
            symbol.eq((found_bits >> ~found_length) + self.code.offset[found_length]),
            plain.eq(found_bits[::-1]),
            bad.eq(found_bits >= self.code.limit[MAX_CODE_BITS - 1]),
        ]
        m.d.comb += [self.symbol.eq(symbol), self.plain.eq(plain), self.bad.eq(bad)]
        return m
