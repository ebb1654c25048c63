"""Row move: every lane row sees its own row, the one above or the one below."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.multiplexer import choose
from firelane.hw.blocks.pipeline import copies
from firelane.hw.contract.config import BANK_PIXELS, EngineConfig, bits_for
from firelane.hw.contract.geometry import PIXELS, bank_pixels, row_source, row_sources
from firelane.hw.contract.instruction import RowMove

GROUP_PIXELS = 2        #: pixels that share a copy of the select


class RowMover(wiring.Component):
    """Exchange the words of the banks so that bank r + q R gets the one of row r, r - 1 or r + 1 of the same part.

    The next row is always the next bank, up to the wrap of the class, so a bank has at most log2(banks) + 1 sources.
    With 4 banks, these are the banks that the lanes of each bank read (in class 1, banks 2 and 3 are part 1 of the rows
    in banks 0 and 1):

        class       0               1               2
        bank        0  1  2  3      0  1  2  3      0  1  2  3
        NONE        0  1  2  3      0  1  2  3      0  1  2  3
        UP          3  0  1  2      1  0  3  2      0  1  2  3
        DOWN        1  2  3  0      1  0  3  2      0  1  2  3

    Where the move wraps, the row is in another word: `TapAddress` has given that bank the address of it. No bank is
    read twice, so all can be read at once. When a move `m` must be there, and when its pixels `p`:

        cycle       0       1       2       3
        move        m
        select              m
        copies                      m
        pixels                      p
        moved                               p by m

    Latency     1 cycle from `pixels` to `moved`; `move` comes ROW_MOVE_LEAD cycles before its pixels.
    Throughput  1 move a cycle.

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    parts_log2 : In(3)
        Row class, stable from 1 cycle before the first `move` is used.
    move : In(RowMove)
    pixels : In(bank_pixels(cfg))
    moved : Out(bank_pixels(cfg))
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({
            "parts_log2": In(3),
            "move": In(RowMove),
            "pixels": In(bank_pixels(cfg)),
            "moved": Out(bank_pixels(cfg)),
        })

    def elaborate(self, platform):
        m = Module()
        for bank in range(self._cfg.banks):
            sources = row_sources(self._cfg.banks, bank)
            moved = Signal(PIXELS, name=f"moved_{bank}", reset_less=True)
            m.d.comb += self.moved[bank].eq(moved)
            if len(sources) == 1:
                m.d.sync += moved.eq(self.pixels[sources[0]])
                continue
            select = self._select(m, bank, sources)
            groups = copies(m, select, BANK_PIXELS // GROUP_PIXELS, name=f"select_{bank}")
            for n in range(BANK_PIXELS):
                choices = [self.pixels[source][n] for source in sources]
                choices += choices[-1:] * ((1 << len(select)) - len(choices))
                m.d.sync += moved[n].eq(choose(m, groups[n // GROUP_PIXELS], choices, name=f"choose_{bank}_{n}"))
        return m

    def _select(self, m, bank: int, sources: list[int]) -> Signal:
        """Which of `sources` the bank takes, one clock after `move`."""
        select = Signal(bits_for(len(sources)), name=f"select_{bank}", reset_less=True)
        with m.Switch(self.parts_log2):
            for k in range(self._cfg.classes):
                with m.Case(k), m.Switch(self.move):
                    for move in RowMove:
                        with m.Case(move):
                            m.d.sync += select.eq(sources.index(row_source(self._cfg.banks, k, move, bank)))
        return select
