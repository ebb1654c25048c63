"""An accumulator that can be loaded."""

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.carry_chain import ADD_UNLESS, START, carry_chain, is_ecp5


class Accumulator(wiring.Component):
    """Sum of terms: with `enable`, total = load ? term : total + term.

    Latency     1 cycle.
    Throughput  1 term a cycle.
    Resources   a carry chain of `bits` bits on ECP5, and no LUTs: its bits leave the total out where it is loaded, for
                which Yosys takes a LUT for each bit beside them. Elsewhere it is plain Amaranth.

    Parameters
    ----------
    term_bits, bits : int
        Of a term and of the total, both signed. What does not fit is cut off.

    Members
    -------
    term : In(signed(term_bits))
    load, enable : In(1)
    total : Out(signed(bits))
    """

    def __init__(self, term_bits: int, bits: int):
        super().__init__({"term": In(signed(term_bits)), "load": In(1), "enable": In(1), "total": Out(signed(bits))})

    def elaborate(self, platform):
        m = Module()
        total = Signal.like(self.total, reset_less=True)
        following = Signal.like(self.total)
        if is_ecp5(platform):
            term = [self.term[min(k, len(self.term) - 1)] for k in range(len(total))]
            bits = [(ADD_UNLESS, term[k], total[k], self.load, 1) for k in range(len(total))]
            m.d.comb += following.eq(Cat(carry_chain(m, "total", [(START, 0, 0, 1, 1), *bits])))
        else:
            m.d.comb += following.eq(self.term + Mux(self.load, 0, total))
        with m.If(self.enable):
            m.d.sync += total.eq(following)
        m.d.comb += self.total.eq(total)
        return m
