"""Column move: every lane sees its own pixel, or one a few columns to its left or right."""

from amaranth import Array, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

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
    eight, which is half of the LUTs.

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
        parts_log2 = copies(m, self.parts_log2, banks, name="parts_log2")
        pads = copies(m, self.pad, banks, name="pad")
        for bank, select in enumerate(copies(m, self.move[:choosing], banks, name="move")):
            groups = copies(m, select, BANK_PIXELS // GROUP_PIXELS, name=f"move_{bank}")
            row = (self._edge(m, bank, -1, parts_log2[bank], pads[bank]) + self._own(m, bank)
                   + self._edge(m, bank, 1, parts_log2[bank], pads[bank]))
            moved = Signal(PIXELS, name=f"moved_{bank}", reset_less=True)
            m.d.comb += self.moved[bank].eq(moved)
            for n in range(BANK_PIXELS):
                choices = [row[n + self._cfg.columns_left + self._step(low, choosing)] for low in range(1 << choosing)]
                m.d.sync += moved[n].eq(Array(choices)[groups[n // GROUP_PIXELS]])
        return m

    def _step(self, low: int, bits: int) -> int:
        """The move whose low `bits` are `low`; 0 if there is none, which no program that is run has."""
        return next((step for step in self._cfg.column_moves if step & (1 << bits) - 1 == low), 0)

    def _own(self, m, bank: int) -> list:
        """The pixels of `bank`, as late as those of `_edge`."""
        own = Signal(PIXELS, name=f"own_{bank}", reset_less=True)
        m.d.sync += own.eq(self.pixels[bank])
        return list(own)

    def _edge(self, m, bank: int, side: int, parts_log2, pad) -> list:
        """The pixels just outside `bank` to the left (-1) or right (1), in column order."""
        count = self._cfg.columns_right if side > 0 else self._cfg.columns_left
        edge = []
        for n in range(count):
            pixel = Signal(PIXEL_BITS, name=f"{'right' if side > 0 else 'left'}_{bank}_{n}", reset_less=True)
            m.d.sync += pixel.eq(pad)
            with m.Switch(parts_log2):
                for k in range(self._cfg.classes):
                    neighbour = part_neighbour(self._cfg.banks, k, bank, side)
                    if neighbour is not None:
                        with m.Case(k):
                            source = n if side > 0 else BANK_PIXELS - count + n
                            m.d.sync += pixel.eq(self.pixels[neighbour][source])
            edge.append(pixel)
        return edge
