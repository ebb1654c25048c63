"""A bit stream, from words to a window of its next bits that moves by a code a cycle."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.config import MAX_CODE_BITS, MEMORY_BITS

CHUNK_BITS = 9      #: a word is refilled in quarters: more than a code a cycle, and few enough to shift into place
REFILL_BELOW = 2 * MAX_CODE_BITS                #: bits in the window from which on none are added
WINDOW_BITS = REFILL_BELOW - 1 + CHUNK_BITS
LENGTH_BITS = 3

MEASURED_CHUNK = data.StructLayout({"bits": CHUNK_BITS, "lengths": data.ArrayLayout(LENGTH_BITS, CHUNK_BITS)})
"""Bits of a stream and, for each, the length of the code that would begin there, less one."""

_ADVANCES = range(MAX_CODE_BITS + 1)


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
        # A one for each chunk in `word`, from the low end. Who resets this clears it, too.
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
    Here the length of the code at *every* bit is found before the bits come in, and moves with them: the loop is only
    from the registered length over two multiplexers, 2:1 and 4:1. New bits are put in place by the registered
    level beside it, and whether a code is taken is decided a cycle ahead. Each bit of the length has a shift register
    of its own, as have the bits, and each shift register its own copy of what controls it.

    Latency     2 cycles from the transfer of a stream's second chunk to the first possible `take_next`'s code.
    Throughput  a code of up to 8 bits a cycle, as long as chunks arrive in time.

    Members
    -------
    clear : In(1)
        Start anew: what is in the window is dropped. To be given after a reset, which reaches nothing here.
    i : In(stream of MEASURED_CHUNK)
        While it is not valid its payload must be 0: that saves a gate where time is short.
    ready_next : Out(1)
        In the next cycle `window` will hold 8 bits of the stream, even if a code is taken now. May be low although it
        will, but not if two more chunks are there.
    take_next : In(1)
        Take the code that `window` holds in the next cycle. Only while `ready_next`.
    window : Out(8)
        Next bits, the first in bit 0.
    length_less_one : Out(3)
        Of the code that begins in bit 0.
    """

    def __init__(self):
        super().__init__({"clear": In(1), "i": In(stream.Signature(MEASURED_CHUNK)), "ready_next": Out(1),
                          "take_next": In(1), "window": Out(MAX_CODE_BITS), "length_less_one": Out(LENGTH_BITS)})

    def elaborate(self, platform):
        m = Module()
        level = Signal(range(WINDOW_BITS + 1), reset_less=True)     # bits in the window; behind them are zeros
        refill = Signal()
        filled_level = Signal.like(level)
        m.d.comb += [
            self.i.ready.eq(level < REFILL_BELOW),
            refill.eq(self.i.ready & self.i.valid),
            filled_level.eq(level + Mux(refill, CHUNK_BITS, 0)),
            self.ready_next.eq((level >= REFILL_BELOW) | ((level >= REFILL_BELOW - CHUNK_BITS) & self.i.valid)),
        ]
        place = level[:(REFILL_BELOW - 1).bit_length()]
        chunk = self.i.payload
        names = ("bits", *(f"length_{n}" for n in range(LENGTH_BITS)))
        planes = [Signal(WINDOW_BITS, name=name, reset_less=True) for name in names]
        entering = [chunk.bits, *(Cat(length[n] for length in chunk.lengths) for n in range(LENGTH_BITS))]
        shifted = []
        for name, plane, new_bits in zip(names, planes, entering):
            filled = Signal(WINDOW_BITS, name=f"{name}_filled")
            m.d.comb += filled.eq(plane | (Mux(self.i.ready, new_bits, 0) << place))
            shifted.append([filled >> taken for taken in _ADVANCES])
        shifted.append([(filled_level - taken)[:len(level)] for taken in _ADVANCES])

        controls = [self._control(m, name) for name in (*names, "level")]
        advanced = [self._advanced(choices, *control) for choices, control in zip(shifted, controls)]
        m.d.sync += [register.eq(value) for register, value in zip((*planes, level), advanced)]
        next_length = Cat(length[0] for length in advanced[1:1 + LENGTH_BITS])
        m.d.sync += [length.eq(next_length) for _, length in controls]
        with m.If(self.clear):
            m.d.sync += [register.eq(0) for register in (*planes, level)]
        m.d.comb += [self.window.eq(planes[0]), self.length_less_one.eq(Cat(plane[0] for plane in planes[1:]))]
        return m

    def _control(self, m, name: str):
        """A copy of (a code is taken, its length less one) for one shift register."""
        take = Signal(name=f"{name}_take", reset_less=True, attrs={"keep": 1})
        length = Signal(LENGTH_BITS, name=f"{name}_length", reset_less=True, attrs={"keep": 1})
        m.d.sync += take.eq(self.take_next & ~self.clear)
        return take, length

    @staticmethod
    def _advanced(choices: list, take, length):
        """The choice for the number of bits that are taken."""
        halves = [Mux(take, Mux(length[2], choices[low_bits + 5], choices[low_bits + 1]), choices[0])
                  for low_bits in range(4)]
        return Mux(length[1], Mux(length[0], halves[3], halves[2]), Mux(length[0], halves[1], halves[0]))
