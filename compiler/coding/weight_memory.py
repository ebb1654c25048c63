"""The weight memory and the symbol tables: streams and tables one after the other, equal ones shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from firelane.compiler.coding.prefix_code import words_of


class StreamKind(Enum):
    """What a stream of the weight memory holds."""

    VALUES = "values"
    RUNS = "runs"
    PARAMETERS = "parameters"


@dataclass(frozen=True)
class WeightStream:
    """A stream in the weight memory: its first word, and its length in bits."""

    kind: StreamKind
    address: int
    bits: int


class WeightMemory:
    """Bit streams, each from a word boundary. `streams` lists them in order."""

    def __init__(self):
        self.words: list[int] = []
        self.streams: list[WeightStream] = []
        self._found: dict[bytes, int] = {}

    def add(self, kind: StreamKind, bits: np.ndarray) -> int:
        """The word where a stream of `bits` (uint8 0 or 1, first bit first) starts; a new one if there is none."""
        key = np.packbits(bits, bitorder="little").tobytes() + len(bits).to_bytes(4, "little")
        if key not in self._found:
            self._found[key] = len(self.words)
            self.streams.append(WeightStream(kind, len(self.words), len(bits)))
            self.words += words_of(bits).tolist()
        return self._found[key]


class SymbolTable:
    """Entries of all layers; a table that is there already is not written twice."""

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
