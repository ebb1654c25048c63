"""The weight memory and the symbol tables: streams and tables one after the other, equal ones shared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hw.config import MEMORY_BITS


def bits_of(numbers: np.ndarray, width: int) -> np.ndarray:
    """uint8 of 0 and 1, (len(numbers) * width,): each number's bits, least significant first."""
    numbers = np.asarray(numbers, np.int64)
    return ((numbers[:, None] >> np.arange(width)) & 1).astype(np.uint8).reshape(-1)


class WeightMemory:
    """Bit streams, each from a word boundary."""

    def __init__(self):
        self.words: list[int] = []
        self._found: dict[bytes, int] = {}

    def add(self, bits: np.ndarray) -> int:
        """The word where a stream of `bits` (uint8 0 or 1, first bit first) starts; a new one if there is none."""
        key = np.packbits(bits, bitorder="little").tobytes() + len(bits).to_bytes(4, "little")
        if key not in self._found:
            self._found[key] = len(self.words)
            padded = np.zeros(-(-len(bits) // MEMORY_BITS) * MEMORY_BITS, np.uint8)
            padded[:len(bits)] = bits
            places = np.int64(1) << np.arange(MEMORY_BITS, dtype=np.int64)
            self.words += (padded.reshape(-1, MEMORY_BITS).astype(np.int64) @ places).tolist()
        return self._found[key]


class SymbolTable:
    """Entries of all layers; a table that stands there already is not written twice."""

    def __init__(self):
        self.entries: list[int] = []

    def add(self, table: Sequence[int]) -> int:
        """The first entry of `table`."""
        wanted, have = list(table), self.entries
        for start in range(len(have) - len(wanted) + 1):
            if have[start:start + len(wanted)] == wanted:
                return start
        self.entries += wanted
        return len(have) - len(wanted)
