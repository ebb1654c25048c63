"""Activation memory that holds names in place of pixels, for `compiler.program.schedule_check`.

Each (word, bank) says which part of which row of which channel of which map is stored there, or is garbage.
"""

from __future__ import annotations

import numpy as np

from firelane.compiler.tiles.layers import View
from firelane.hw.contract.config import BANK_PIXELS, EngineConfig

GARBAGE = -1
PART_BITS, ROW_BITS, CHANNEL_BITS = 4, 20, 12


class SymbolicMemory:
    """The names, int64 (words, banks)."""

    def __init__(self, cfg: EngineConfig, maps: list[str]):
        self._cfg = cfg
        self._numbers = {name: number for number, name in enumerate(maps)}
        self.names = np.full((cfg.activation_words, cfg.banks), GARBAGE, np.int64)

    def row_names(self, view: View, row: int, parts: np.ndarray) -> np.ndarray:
        """The names of a row of `view`, int64 (channels, parts)."""
        channels = np.arange(view.channel, view.channel + view.channels, dtype=np.int64)
        first = (self._numbers[view.map] << CHANNEL_BITS) + channels
        return (((first << ROW_BITS) + row) << PART_BITS)[:, None] + parts

    def banks(self, parts_log2: int, row: int) -> np.ndarray:
        """The banks of a word's row, part by part."""
        rows = self._cfg.banks >> parts_log2
        return row + np.arange(1 << parts_log2) * rows

    def holds(self, address: int, word_row: int, parts_log2: int, view: View, row: int, width: int) -> bool:
        """Whether row `row` of `view`, `width` pixels, is in row `word_row` of the words from `address` on."""
        parts = np.arange(-(-width // BANK_PIXELS))
        banks = self.banks(parts_log2, word_row)[parts]
        found = self.names[address:address + view.channels][:, banks]
        return np.array_equal(found, self.row_names(view, row, parts))

    def write(self, address: int, word_row: int, parts_log2: int, view: View, row: int, width: int) -> None:
        """Store what `holds` looks for; parts behind `width` become garbage."""
        parts = np.arange(1 << parts_log2)
        names = self.row_names(view, row, parts)
        names[:, parts * BANK_PIXELS >= width] = GARBAGE
        self.names[address:address + view.channels, self.banks(parts_log2, word_row)] = names
