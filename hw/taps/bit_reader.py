"""A bit stream, from words to its next bits, by a code a cycle."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.contract.config import CODE_CHUNK_BITS, CODE_CHUNKS_AHEAD, MAX_CODE_BITS, MEMORY_BITS

LENGTH_BITS = 3

MEASURED_CHUNK = data.StructLayout({"bits": CODE_CHUNK_BITS, "lengths": data.ArrayLayout(LENGTH_BITS, CODE_CHUNK_BITS)})
"""Bits of a stream and, for each, the length of the code that would begin there, less one."""

SUCCESSOR = data.StructLayout({"bit": range(CODE_CHUNK_BITS), "leaves": 1})
"""Where the code after one's own begins: at which bit, and whether of the next chunk."""


class ChunkReader(wiring.Component):
    """Words cut into chunks, low bits first.

    Latency     1 cycle from the transfer of a word to its first chunk.
    Throughput  1 chunk a cycle, without a gap between words.

    Parameters
    ----------
    chunk_bits : int
        A divisor of 36.

    Members
    -------
    clear : In(1)
        Forget the rest of the word. No word is taken in this cycle. To be given after a reset, which reaches nothing
        here.
    i : In(stream of 36)
    o : Out(stream of chunk_bits)
    """

    def __init__(self, chunk_bits: int):
        if MEMORY_BITS % chunk_bits:
            raise ValueError(f"chunk_bits must divide {MEMORY_BITS}, not {chunk_bits!r}")
        self._chunk_bits = chunk_bits
        super().__init__({"clear": In(1), "i": In(stream.Signature(MEMORY_BITS)),
                          "o": Out(stream.Signature(chunk_bits))})

    def elaborate(self, platform):
        m = Module()
        word = Signal(MEMORY_BITS, reset_less=True)
        # A one for each chunk in `word`, from the low end. A reset is followed by `clear`.
        left = Signal(MEMORY_BITS // self._chunk_bits, reset_less=True)
        only_one = ~left[1] if len(left) > 1 else 1
        m.d.comb += [
            self.o.payload.eq(word[:self._chunk_bits]),
            self.o.valid.eq(left[0]),
            self.i.ready.eq((~left[0] | (only_one & self.o.ready)) & ~self.clear),
        ]
        with m.If(self.o.ready):
            m.d.sync += [word.eq(word >> self._chunk_bits), left.eq(left >> 1)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [word.eq(self.i.payload), left.eq(~0)]
        with m.If(self.clear):
            m.d.sync += left.eq(0)
        return m


class BitReader(wiring.Component):
    """The next code of a stream, and its length; it can be taken each cycle.

    What limits the clock of such a decoder is the loop from the bits over the length of their code to the next bits.
    Here bits stay where they are, and a pointer goes over the first chunk. The length of the code at *every* bit is
    known before the bits come in, so each bit brings with it where the code after its own begins: the loop is a 9:1
    multiplexer from the pointer to the pointer. When it leaves the first chunk, all chunks move on by one.

    Latency     2 cycles from the transfer of a stream's second chunk to the first possible `take_next`'s code.
    Throughput  a code of up to 8 bits a cycle, as long as chunks arrive in time.

    Members
    -------
    clear : In(1)
        Start anew: what was read ahead is dropped. To be given after a reset, which reaches nothing here.
    i : In(stream of MEASURED_CHUNK)
    ready_next : Out(1)
        `window` will hold 8 bits of the stream in the next cycle, even if a code is taken now. May be low although it
        will, but not if two more chunks are there.
    take_next : In(1)
        Take the code that `window` holds in the next cycle. Only while `ready_next`, or if nobody looks until `clear`.
    window : Out(8)
        Next bits, the first in bit 0.
    length_less_one : Out(3)
        Length of the code that begins in bit 0.
    """

    def __init__(self):
        super().__init__({"clear": In(1), "i": In(stream.Signature(MEASURED_CHUNK)), "ready_next": Out(1),
                          "take_next": In(1), "window": Out(MAX_CODE_BITS), "length_less_one": Out(LENGTH_BITS)})

    def elaborate(self, platform):
        m = Module()
        chunks = [Signal(MEASURED_CHUNK, name=f"chunk_{n}", reset_less=True) for n in range(CODE_CHUNKS_AHEAD)]
        have = Signal(CODE_CHUNKS_AHEAD, reset_less=True)      # a one for each chunk, from the low end
        successors = Signal(data.ArrayLayout(SUCCESSOR, CODE_CHUNK_BITS), reset_less=True)   # of the first chunk's bits
        take, leave = Signal(reset_less=True), Signal()
        m.d.comb += [
            self.i.ready.eq(~have[-1]),
            # A code that is taken now may use up the first chunk; two must be left, or one in which none was taken.
            self.ready_next.eq(have[2] | (have[1] & (self.i.valid | ~take)) | (have[0] & self.i.valid & ~take)),
        ]
        m.d.sync += take.eq(self.take_next)
        self._point(m, chunks, successors, take, leave)

        for n, chunk in enumerate(chunks):
            source = Mux(have[n + 1], chunks[n + 1], self.i.payload) if n + 1 < CODE_CHUNKS_AHEAD else self.i.payload
            coming = Signal(MEASURED_CHUNK, name=f"coming_{n}")
            m.d.comb += coming.eq(source)
            with m.If(leave | ~have[n]):
                m.d.sync += chunk.eq(coming)
                if n == 0:
                    m.d.sync += successors.eq(Cat(_successor(bit, length) for bit, length in enumerate(coming.lengths)))
        more = Mux(self.i.valid, Cat(1, have)[:CODE_CHUNKS_AHEAD], have)
        m.d.sync += have.eq(Mux(leave, Mux(have[-1], have, more) >> 1, more))     # with all there, none comes
        with m.If(self.clear):
            m.d.sync += have.eq(0)
        return m

    def _point(self, m, chunks, successors, take, leave):
        """The pointer: when it leaves the first chunk (`leave`), and the bits and the length where it points."""
        # A copy for the loop and one for the outputs.
        own, shown = (Signal(range(CODE_CHUNK_BITS), name=f"{name}_pointer", reset_less=True, attrs={"keep": 1})
                      for name in ("own", "shown"))
        successor = Signal(SUCCESSOR)
        m.d.comb += [successor.eq(_pick(own, list(successors))), leave.eq(take & successor.leaves)]
        with m.If(take):
            m.d.sync += [pointer.eq(successor.bit) for pointer in (own, shown)]
        with m.If(self.clear):
            m.d.sync += [pointer.eq(0) for pointer in (own, shown)]
        bits = Cat(chunks[0].bits, chunks[1].bits)
        m.d.comb += [
            self.window.eq(_pick(shown, [bits[first:first + MAX_CODE_BITS] for first in range(CODE_CHUNK_BITS)])),
            self.length_less_one.eq(_pick(shown, list(chunks[0].lengths))),
        ]


def _pick(index, choices: list):
    """The choice at `index`: a tree of 2:1 multiplexers, which wide LUTs are made for."""
    if len(choices) == 1:
        return choices[0]
    half = 1 << ((len(choices) - 1).bit_length() - 1)
    return Mux(index[half.bit_length() - 1], _pick(index, choices[half:]), _pick(index, choices[:half]))


def _successor(bit: int, length_less_one):
    """SUCCESSOR of a bit: a table of the length of its code."""
    ends = [bit + less_one + 1 for less_one in range(MAX_CODE_BITS)]
    table = [SUCCESSOR.const({"bit": end % CODE_CHUNK_BITS, "leaves": end // CODE_CHUNK_BITS}) for end in ends]
    return Array(entry.as_value() for entry in table)[length_less_one]
