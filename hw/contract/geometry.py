"""Which bank stores which row and part of a map, as plain Python, and the layouts of pixels and sums over banks.

With B banks and row class k, R = B >> k rows fit a word, and row r, part q of it is in bank r + q * R.
"""

from amaranth import signed, unsigned
from amaranth.lib import data

from firelane.hw.contract.config import BANK_PIXELS, PIXEL_BITS, EngineConfig, bits_for
from firelane.hw.contract.instruction import CHANNEL_BITS, RowMove

PIXELS = data.ArrayLayout(unsigned(PIXEL_BITS), BANK_PIXELS)
"""The 14 pixels of a bank word."""


def bank_pixels(cfg: EngineConfig) -> data.ArrayLayout:
    """A word of every bank."""
    return data.ArrayLayout(PIXELS, cfg.banks)


def pixel_sums(cfg: EngineConfig) -> data.ArrayLayout:
    """The accumulators of one bank's lanes."""
    return data.ArrayLayout(signed(cfg.accumulator_bits), BANK_PIXELS)


def drain_step_layout(cfg: EngineConfig) -> data.StructLayout:
    """What is drained in a cycle: one bank of lanes, or (`single`) the average of one channel in place of pixel 0."""
    return data.StructLayout({
        "row": bits_for(cfg.banks),
        "part": bits_for(cfg.banks),
        "channel": CHANNEL_BITS,
        "first": 1,     #: first step of its channel
        "last": 1,      #: last step of its channel; with `single`: last channel
        "single": 1,
    })


def rows_of_class(banks: int, k: int) -> int:
    """Rows that fit a word."""
    return banks >> k


def bank_of(banks: int, k: int, row: int, part: int) -> int:
    return row + part * rows_of_class(banks, k)


def row_source(banks: int, k: int, move: RowMove, bank: int) -> int:
    """The bank that the lanes of `bank` read after a row move in class `k`."""
    rows = rows_of_class(banks, k)
    part, row = divmod(bank, rows)
    step = {RowMove.NONE: 0, RowMove.UP: -1, RowMove.DOWN: 1}[move]
    return bank_of(banks, k, (row + step) % rows, part)


def row_sources(banks: int, bank: int) -> list[int]:
    """All banks that `row_source` can name for `bank`, in order."""
    return sorted({row_source(banks, k, move, bank) for k in range(banks.bit_length()) for move in RowMove})


def part_neighbour(banks: int, k: int, bank: int, step: int) -> int | None:
    """The bank of the part to the left (-1) or right (1) of `bank` in the same row, None outside the row."""
    rows = rows_of_class(banks, k)
    part, row = divmod(bank, rows)
    return bank_of(banks, k, row, part + step) if 0 <= part + step < 1 << k else None
