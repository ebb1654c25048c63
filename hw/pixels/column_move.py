"""Column move: every lane sees its own pixel, or one a few columns to its left or right."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.multiplexer import choose
from firelane.hw.blocks.pipeline import copies
from firelane.hw.contract.config import BANK_PIXELS, PIXEL_BITS, EngineConfig, bits_for
from firelane.hw.contract.geometry import PIXELS, bank_pixels, part_neighbour
from firelane.hw.contract.instruction import COLUMN_MOVE_BITS

GROUP_PIXELS = 2        #: pixels that share a copy of the select


class ColumnMove(wiring.Component):
    """Shift each map row by one of `cfg.column_moves`; what comes in from outside the row is `pad`.

    Pixels near the edge of a bank come from the bank of the neighbouring part, which depends on the row class alone.
    They are fetched first, in a cycle of their own: the way from bank to bank is long. Then lane x reads place x + move
    of these, of which an engine with a shorter reach has fewer:

        place       -3  -2  -1    0   1   2  ..  11  12  13   14  15  16
        bank        left          its own                     right
        its lane    11  12  13    0   1   2  ..  11  12  13    0   1   2

    The low bits of a move choose, as many as its reach needs: with -1 .. 2 there are four choices a lane in place of
    eight, which is a third of the LUTs.

    The neighbours with 4 banks; where there is none (-), the places are `pad`:

        class       0               1               2
        bank        0  1  2  3      0  1  2  3      0  1  2  3
        left        -  -  -  -      -  -  0  1      -  0  1  2
        right       -  -  -  -      2  3  -  -      1  2  3  -

    When a move `m` must be there, and when its pixels `p`:

        cycle       0       1       2       3
        move        m
        copies              m       m
        pixels              p
        places                      p
        moved                               p by m

    Latency     COLUMN_MOVE_LATENCY cycles from `pixels` to `moved`; `move` comes COLUMN_MOVE_LEAD cycles before its
                pixels.
    Throughput  1 move a cycle.

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    parts_log2 : In(3)
        Row class, stable while pixels go through.
    pad : In(8)
    move : In(3)
        Two's complement: lane x sees column x + move.
    pixels : In(bank_pixels(cfg))
    moved : Out(bank_pixels(cfg))
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({
            "parts_log2": In(3),
            "pad": In(PIXEL_BITS),
            "move": In(COLUMN_MOVE_BITS),
            "pixels": In(bank_pixels(cfg)),
            "moved": Out(bank_pixels(cfg)),
        })

    def elaborate(self, platform):
        m = Module()
        banks = self._cfg.banks
        choosing = bits_for(len(self._cfg.column_moves))
        pads = copies(m, self.pad, banks, name="pad")
        for bank, select in enumerate(copies(m, self.move[:choosing], banks, name="move")):
            groups = copies(m, select, BANK_PIXELS // GROUP_PIXELS, name=f"move_{bank}")
            row = self._edge(m, bank, -1, pads[bank]) + self._own(m, bank) + self._edge(m, bank, 1, pads[bank])
            moved = Signal(PIXELS, name=f"moved_{bank}", reset_less=True)
            m.d.comb += self.moved[bank].eq(moved)
            for n in range(BANK_PIXELS):
                choices = [row[n + self._cfg.columns_left + self._step(low, choosing)] for low in range(1 << choosing)]
                m.d.sync += moved[n].eq(choose(m, groups[n // GROUP_PIXELS], choices, name=f"choose_{bank}_{n}"))
        return m

    def _step(self, low: int, bits: int) -> int:
        """The move whose low `bits` are `low`; 0 if there is none, which no program that is run has."""
        return next((step for step in self._cfg.column_moves if step & (1 << bits) - 1 == low), 0)

    def _own(self, m, bank: int) -> list:
        """The pixels of `bank`, as late as those of `_edge`."""
        own = Signal(PIXELS, name=f"own_{bank}", reset_less=True)
        m.d.sync += own.eq(self.pixels[bank])
        return list(own)

    def _edge(self, m, bank: int, side: int, pad) -> list:
        """The pixels just outside `bank` to the left (-1) or right (1), in column order."""
        label = f"{'right' if side > 0 else 'left'}_{bank}"
        count = self._cfg.columns_right if side > 0 else self._cfg.columns_left
        neighbours = [part_neighbour(self._cfg.banks, k, bank, side) for k in range(self._cfg.classes)]
        sources = sorted(set(neighbours), key=lambda neighbour: -1 if neighbour is None else neighbour)
        select = Signal(bits_for(len(sources)), name=f"select_{label}", reset_less=True)
        with m.Switch(self.parts_log2):
            for k, neighbour in enumerate(neighbours):
                with m.Case(k):
                    m.d.sync += select.eq(sources.index(neighbour))
        edge = []
        for n in range(count):
            place = n if side > 0 else BANK_PIXELS - count + n
            choices = [pad if source is None else self.pixels[source][place] for source in sources]
            choices += choices[-1:] * ((1 << len(select)) - len(choices))
            pixel = Signal(PIXEL_BITS, name=f"{label}_{n}", reset_less=True)
            m.d.sync += pixel.eq(choose(m, select, choices, name=f"choose_{label}_{n}"))
            edge.append(pixel)
        return edge
