"""Pixels that are not in the map read as the layer's pad."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.pipeline import copies
from firelane.hw.contract.config import BANK_PIXELS, PIXEL_BITS, EngineConfig
from firelane.hw.contract.geometry import PIXELS, bank_pixels, rows_of_class
from firelane.hw.contract.instruction import COLUMN_BITS

HALF_BITS = COLUMN_BITS // 2


class EdgeMask(wiring.Component):
    """Replace the pixels of rows and columns outside the map by `pad`, where they are read.

    Done before the moves, a pixel carries its replacement along and no valid bits have to. The replacement costs
    nothing: it is the LUT in front of the register that a block RAM's slow output needs anyway.

    Latency     1 cycle from `words` to `pixels`; `row_valid` goes with the words one cycle later, `raw` with those two
                cycles later.
    Throughput  1 word of all banks a cycle.
    Limits      `columns` and `parts_log2` must be stable from 2 cycles before the first `row_valid` on.

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    columns : In(8)
        Width of the map.
    parts_log2 : In(3)
        Its row class.
    pad : In(8)
    row_valid : In(banks)
        Whether the row in each bank is one of the map.
    raw : In(1)
        Mask nothing.
    words : In(bank_pixels(cfg))
    pixels : Out(bank_pixels(cfg))
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({
            "columns": In(COLUMN_BITS),
            "parts_log2": In(3),
            "pad": In(PIXEL_BITS),
            "row_valid": In(cfg.banks),
            "raw": In(1),
            "words": In(bank_pixels(cfg)),
            "pixels": Out(bank_pixels(cfg)),
        })

    def elaborate(self, platform):
        m = Module()
        banks = self._cfg.banks
        inside = self._columns_inside(m)
        pads = copies(m, self.pad, banks, name="pad")
        parts_log2 = copies(m, self.parts_log2, banks, name="parts_log2")
        raws = copies(m, self.raw, banks, name="raw")
        for bank in range(banks):
            in_bank = Signal(BANK_PIXELS, name=f"in_bank_{bank}")
            with m.Switch(parts_log2[bank]):
                for k in range(self._cfg.classes):
                    with m.Case(k):
                        m.d.comb += in_bank.eq(inside[bank // rows_of_class(banks, k)])
            visible = Signal(BANK_PIXELS, name=f"visible_{bank}", reset_less=True)
            keep = self.row_valid[bank].replicate(BANK_PIXELS) & in_bank
            m.d.sync += visible.eq(keep | raws[bank].replicate(BANK_PIXELS))
            masked = Signal(PIXELS, name=f"masked_{bank}", reset_less=True)
            m.d.sync += [masked[n].eq(Mux(visible[n], self.words[bank][n], pads[bank])) for n in range(BANK_PIXELS)]
            m.d.comb += self.pixels[bank].eq(masked)
        return m

    def _columns_inside(self, m) -> list:
        """Which of the 14 columns of each part the map has."""
        # Half by half: Yosys makes a carry chain of each comparison with all of `columns`.
        low, high = self.columns[:HALF_BITS], self.columns[HALF_BITS:]
        halves = range(1 << HALF_BITS)
        low_above, high_above, high_is = (Signal(1 << HALF_BITS, name=name)
                                          for name in ("low_above", "high_above", "high_is"))
        m.d.comb += [low_above.eq(Cat(_above(low, n) for n in halves)),
                     high_above.eq(Cat(_above(high, n) for n in halves)),
                     high_is.eq(Cat(high == n for n in halves))]
        inside = []
        for part in range(self._cfg.banks):
            bits = Signal(BANK_PIXELS, name=f"inside_{part}", reset_less=True)
            positions = range(part * BANK_PIXELS, (part + 1) * BANK_PIXELS)
            m.d.sync += bits.eq(Cat(
                high_above[n >> HALF_BITS] | (high_is[n >> HALF_BITS] & low_above[n % (1 << HALF_BITS)])
                if n < 1 << COLUMN_BITS else Const(0, 1) for n in positions))
            inside.append(bits)
        return inside


def _above(half, n: int):
    """Whether half of a number of columns is more than `n`: a LUT."""
    return Cat(half == more for more in range(n + 1, 1 << HALF_BITS)).any()
