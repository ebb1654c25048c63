"""Sums of two products for two lanes at once: of two multiplier blocks, and of LUTs."""

from amaranth import Cat, Const, Module, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.carry_chain import is_ecp5
from firelane.hw.blocks.multiplier import LogicMultiplier, Multiplier, add_pairs, pair_of_rows
from firelane.hw.blocks.pipeline import delay
from firelane.hw.contract.config import PIXEL_BITS, WEIGHT_BITS
from firelane.hw.contract.timing import PAIR_SUM_CYCLES

SUM_BITS = 17               #: two products of uint8 and int8
APART_BITS = 10             #: the upper lane's pixel is so far above the lower lane's: 18 bits together
OVERLAP_BITS = SUM_BITS - APART_BITS    #: of the upper lane's sum that the lower lane's reaches into
_MIDDLE = 1 << OVERLAP_BITS - 1


def _ports() -> dict:
    pixel, weight, total = unsigned(PIXEL_BITS), signed(WEIGHT_BITS), signed(SUM_BITS)
    return {"first_lower": In(pixel), "first_upper": In(pixel), "first_weight": In(weight),
            "second_lower": In(pixel), "second_upper": In(pixel), "second_weight": In(weight),
            "lower": Out(total), "upper": Out(total)}


class LowProduct(wiring.Component):
    """Two numbers that give the low OVERLAP_BITS = 7 bits of a product together: product = rest + (top << 4).

    Latency     1 cycle.
    Throughput  1 product a cycle.
    Resources   27 LUTs and 10 flip-flops on ECP5, with instantiated carry chains (`LogicMultiplier`).

    Members
    -------
    pixel : In(8)
        Register outputs.
    weight : In(signed(8))
        Register outputs.
    rest : Out(7)
    top : Out(3)
    """

    def __init__(self):
        super().__init__({"pixel": In(PIXEL_BITS), "weight": In(signed(WEIGHT_BITS)),
                          "rest": Out(OVERLAP_BITS), "top": Out(OVERLAP_BITS - 4)})

    def elaborate(self, platform):
        m = Module()
        a, w = self.pixel, self.weight
        rest, top = Signal.like(self.rest, reset_less=True), Signal.like(self.top, reset_less=True)
        if is_ecp5(platform):
            pairs = [pair_of_rows(m, f"pair_{n}", a, w[n], w[n + 1], bits=OVERLAP_BITS - n) for n in (0, 2)]
            m.d.sync += rest.eq(add_pairs(m, "rest", a, *pairs, w[2], bits=OVERLAP_BITS))
        else:
            m.d.sync += rest.eq(a * w[:4])
        m.d.sync += top.eq(Cat(a[0] & w[4],
                               (a[1] & w[4]) ^ (a[0] & w[5]),
                               (a[2] & w[4]) ^ (a[1] & w[5]) ^ (a[0] & w[6]) ^ (a[1] & w[4] & a[0] & w[5])))
        m.d.comb += [self.rest.eq(rest), self.top.eq(top)]
        return m


class PairSums(wiring.Component):
    """first_weight * first_pixel + second_weight * second_pixel for a lower and an upper lane.

    A multiplier block has room for two pixels, 10 bits apart. Both taps' products are added as they come:

        packed = (upper << 10) + lower              |lower| < 2**16 reaches 7 bits into `upper`

    The low 7 bits of `upper` are made of LUTs. Without them, what is above the low 10 bits of `packed` is a multiple of
    128 and what is carried into it, lower >> 10, which is at least -64 and at most 63:

        apart = (packed >> 10) - low + 64           = (upper - low) + (lower >> 10) + 64

    So the low 7 bits of `apart` are those of `lower` (its sign is inverted), and the others those of `upper`.

    Latency     MULTIPLIER_LATENCY + PAIR_SUM_CYCLES = 4 cycles: operands, products, packed sum, apart.
    Throughput  4 products a cycle.
    Resources   2 MULT18X18D on ECP5, and about 120 LUTs.

    Members
    -------
    first_lower, first_upper, second_lower, second_upper : In(8)
        Register outputs.
    first_weight, second_weight : In(signed(8))
        Register outputs.
    lower, upper : Out(signed(17))
    """

    def __init__(self):
        super().__init__(_ports())

    def elaborate(self, platform):
        m = Module()
        products, lows = zip(*(self._tap(m, name) for name in ("first", "second")))
        packed = Signal(signed(SUM_BITS + APART_BITS), reset_less=True)
        m.d.sync += packed.eq(products[0] + products[1])
        low = self._low_bits(m, lows)
        apart = Signal(signed(SUM_BITS), reset_less=True)
        less_middle = Cat(low[:-1], ~low[-1]).as_signed()
        m.d.sync += apart.eq((packed >> APART_BITS) - less_middle)
        m.d.comb += [
            self.lower.eq(Cat(delay(m, packed[:APART_BITS], 1, name="lower"),
                              apart[:OVERLAP_BITS - 1], ~apart[OVERLAP_BITS - 1])),
            self.upper.eq(Cat(delay(m, low, 1, name="upper"), apart[OVERLAP_BITS:])),
        ]
        return m

    def _tap(self, m, name: str):
        """Both products of a tap in one number, and what gives the low bits of the upper one."""
        lower, upper, weight = (getattr(self, f"{name}_{port}") for port in ("lower", "upper", "weight"))
        multiplier = Multiplier(unsigned(APART_BITS + PIXEL_BITS), signed(WEIGHT_BITS))
        m.submodules[f"{name}_multiplier"] = multiplier
        m.submodules[f"{name}_low"] = low = LowProduct()
        m.d.comb += [multiplier.a.eq(Cat(lower, Const(0, APART_BITS - PIXEL_BITS), upper)), multiplier.b.eq(weight),
                     low.pixel.eq(upper), low.weight.eq(weight)]
        return multiplier.product, low

    @staticmethod
    def _low_bits(m, lows) -> Signal:
        """The low bits of the upper sum, together with `packed`."""
        rest = Signal(OVERLAP_BITS, name="low_rest", reset_less=True)
        top = Signal(OVERLAP_BITS - 4, name="low_top", reset_less=True)
        low = Signal(OVERLAP_BITS, reset_less=True)
        m.d.sync += [rest.eq(lows[0].rest + lows[1].rest), top.eq(lows[0].top + lows[1].top),
                     low.eq(rest + (top << 4))]
        return low


class LogicPairSums(wiring.Component):
    """The same sums without multiplier blocks, in as many cycles.

    Resources   4 `LogicMultiplier`, 34 LUTs and 68 flip-flops on ECP5.

    Members
    -------
    as those of PairSums
    """

    def __init__(self):
        super().__init__(_ports())

    def elaborate(self, platform):
        m = Module()
        for lane in ("lower", "upper"):
            products = []
            for tap in ("first", "second"):
                m.submodules[f"{tap}_{lane}"] = multiplier = LogicMultiplier()
                m.d.comb += [multiplier.a.eq(getattr(self, f"{tap}_{lane}")),
                             multiplier.b.eq(getattr(self, f"{tap}_weight"))]
                products.append(multiplier.product)
            total = Signal(signed(SUM_BITS), name=f"{lane}_sum", reset_less=True)
            m.d.sync += total.eq(products[0] + products[1])
            m.d.comb += getattr(self, lane).eq(delay(m, total, PAIR_SUM_CYCLES - 1, name=f"{lane}_sum"))
        return m
