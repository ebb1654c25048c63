"""Requantizers: from exact sums to 8-bit pixels."""

from amaranth import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.multiplier import Multiplier
from firelane.hw.blocks.pipeline import copies, delay
from firelane.hw.contract.config import BANK_PIXELS, MULTIPLIER_BITS, PIXEL_BITS, EngineConfig
from firelane.hw.contract.geometry import PIXELS, pixel_sums
from firelane.hw.contract.instruction import parameter_layout
from firelane.hw.contract.timing import REQUANTIZE_LATENCY

MAX_SHIFT = 40
LOW_BITS = 17           #: of a sum, as one operand of an 18-bit signed multiplier
FINE_BITS = 3           #: of a shift; the rest moves by whole bytes
RESULT_BITS = 11        #: signed, before the last halving: [-1024, 1023] covers [0, 255] minus and plus a zero point
WINDOW_BITS = RESULT_BITS + (1 << FINE_BITS) - 1
COARSE_STEPS = (MAX_SHIFT - 1 >> FINE_BITS) + 1


class Requantize(wiring.Component):
    """14 units, each

        y = clip((((acc + bias) * multiplier + 2**(shift-1)) >> shift) + zero_point, clamp_low, clamp_high)

    exactly. Adding a half and shifting by s is shifting by s - 1, adding 1 and halving, so one adder rounds and adds
    the zero point: (t + 2 * zero_point + 1) >> 1. What does not fit t saturates; the clip then gives the same.

    Latency     REQUANTIZE_LATENCY = 9 cycles: sum, product (3), shift by bytes, shift by bits, saturate, zero point,
                clip.
    Throughput  14 sums a cycle; parameters may change with every one.
    Limits      1 <= shift <= 40.
    Resources   2 MULT18X18D a unit.

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    sums : In(pixel_sums(cfg))
    parameters : In(parameter_layout(cfg))
        Those of the same cycle's sums.
    zero_point, clamp_low, clamp_high : In(8)
        Stable while sums are under way.
    pixels : Out(PIXELS)
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        self._sum_bits = cfg.accumulator_bits + 1
        self._product_bits = self._sum_bits + MULTIPLIER_BITS
        super().__init__({
            "sums": In(pixel_sums(cfg)),
            "parameters": In(parameter_layout(cfg)),
            "zero_point": In(PIXEL_BITS),
            "clamp_low": In(PIXEL_BITS),
            "clamp_high": In(PIXEL_BITS),
            "pixels": Out(PIXELS),
        })

    def elaborate(self, platform):
        m = Module()
        multipliers = self._for_each_unit(m, self.parameters.multiplier, 1, "multiplier")
        right = Signal(range(MAX_SHIFT), reset_less=True)
        m.d.sync += right.eq(self.parameters.shift - 1)
        with_product = REQUANTIZE_LATENCY - 6
        coarse = self._for_each_unit(m, right[FINE_BITS:], with_product, "coarse")
        fine = self._for_each_unit(m, right[:FINE_BITS], with_product + 1, "fine")
        for n in range(BANK_PIXELS):
            total = self._register(m, signed(self._sum_bits), self.sums[n] + self.parameters.bias.as_signed(), "sum", n)
            product = self._multiply(m, total, multipliers[n], n)
            window, fits, negative = self._shift_bytes(m, product, coarse[n], n)
            result = self._shift_bits(m, window, fits, negative, fine[n], n)
            m.d.comb += self.pixels[n].eq(self._clip(m, result, n))
        return m

    @staticmethod
    def _for_each_unit(m, value, cycles: int, name: str) -> list:
        """`value`, `cycles` clocks later, in a register for each unit."""
        named = Signal(len(value), name=name)
        m.d.comb += named.eq(value)
        return copies(m, delay(m, named, cycles - 1, name=name), BANK_PIXELS, name=name)

    @staticmethod
    def _register(m, shape, value, name: str, n: int):
        register = Signal(shape, name=f"{name}_{n}", reset_less=True)
        m.d.sync += register.eq(value)
        return register

    def _multiply(self, m, total, multiplier, n: int):
        """Two multiplier blocks, for the low 17 bits of the sum and for the rest. 3 cycles."""
        m.submodules[f"low_{n}"] = low = Multiplier(unsigned(LOW_BITS), unsigned(MULTIPLIER_BITS))
        m.submodules[f"high_{n}"] = high = Multiplier(signed(self._sum_bits - LOW_BITS), unsigned(MULTIPLIER_BITS))
        m.d.comb += [low.a.eq(total[:LOW_BITS]), low.b.eq(multiplier)]
        m.d.comb += [high.a.eq(total[LOW_BITS:]), high.b.eq(multiplier)]
        upper = high.product + low.product[LOW_BITS:]
        return self._register(m, signed(self._product_bits), Cat(low.product[:LOW_BITS], upper), "product", n)

    def _shift_bytes(self, m, product, count, n: int):
        """Shift right by `count` bytes: the low bits that matter, whether the rest is sign only, the sign. 1 cycle."""
        top = (COARSE_STEPS - 1) * 8 + WINDOW_BITS
        negative = product[-1]
        extended = Cat(product, negative.replicate(max(0, top - len(product))))
        window = Signal(signed(WINDOW_BITS), name=f"window_{n}", reset_less=True)
        fits = Signal(name=f"fits_{n}", reset_less=True)
        with m.Switch(count):
            for step in range(COARSE_STEPS):
                with (m.Case(step) if step < COARSE_STEPS - 1 else m.Default()):
                    chosen = extended[8 * step:8 * step + WINDOW_BITS]
                    above = extended[8 * step + WINDOW_BITS - 1:]
                    m.d.sync += [window.eq(chosen), fits.eq((above == 0) | above.all())]
        return window, fits, self._register(m, 1, negative, "negative", n)

    def _shift_bits(self, m, window, fits, negative, fine, n: int):
        """Shift right by the rest and saturate. 2 cycles."""
        shifted = self._register(m, signed(WINDOW_BITS), window >> fine, "shifted", n)
        fits, negative = delay(m, fits, 1, name=f"fits_{n}"), delay(m, negative, 1, name=f"negative_{n}")
        above = shifted[RESULT_BITS - 1:]
        inside = fits & ((above == 0) | above.all())
        limit = Cat((~negative).replicate(RESULT_BITS - 1), negative)
        return self._register(m, signed(RESULT_BITS), Mux(inside, shifted[:RESULT_BITS], limit), "result", n)

    def _clip(self, m, result, n: int):
        """Round, add the zero point, clip. 2 cycles."""
        offset = Cat(1, self.zero_point)                        # 2 * zero_point + 1
        y = self._register(m, signed(RESULT_BITS), (result + offset) >> 1, "y", n)
        clipped = Mux(y > self.clamp_high, self.clamp_high, Mux(y < self.clamp_low, self.clamp_low, y[:PIXEL_BITS]))
        return self._register(m, unsigned(PIXEL_BITS), clipped, "pixel", n)
