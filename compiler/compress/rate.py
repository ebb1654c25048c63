"""Rates: estimates, per value, of what a weight costs in the ROM, from the statistics of a layer.

A layer is a stream of zero runs and values (`docs/architecture.md`, "Weight streams"). If zeros fell independently,
with `share` of the weights not zero, an ideal code for runs would spend -log2(1 - share) bits for a zero and
-log2(share) for what ends a run; a value adds the length of its prefix code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from firelane.compiler.coding.prefix_code import SYMBOLS, code_lengths
from firelane.compiler.ir.graph import WEIGHT_MAX

LEVELS = 2 * WEIGHT_MAX + 1             #: of an int8 weight without -128; level q has the index q + WEIGHT_MAX
TABLE_ENTRY_BITS = 8                    #: that a level costs once, in the symbol table


@dataclass(frozen=True, eq=False)
class RateModel:
    """Bits of each level: float64 (LEVELS,), `zero` of level 0, infinite for levels that have no code."""

    bits: np.ndarray

    @property
    def zero(self) -> float:
        """Bits of a weight of 0."""
        return float(self.bits[WEIGHT_MAX])

    @classmethod
    def of(cls, levels: np.ndarray, tap_bits: float = 0.0) -> RateModel:
        """The model that suits a layer's `levels` (int, any shape).

        Parameters
        ----------
        tap_bits : what the cycles of a weight that is not zero count, in bits

        Levels that occur so rarely that their table entry costs more than they are worth get no code.
        """
        counts = _counts(levels).astype(np.float64)
        total, taps = counts.sum(), counts.sum() - counts[WEIGHT_MAX]
        share = np.clip(taps / total, 1 / total, 1 - 1 / total)
        counts[WEIGHT_MAX] = 0
        used = np.flatnonzero(counts)
        bits = np.full(LEVELS, np.inf)
        if len(used):
            bits[used] = code_lengths(counts[used].astype(np.int64)) if len(used) <= SYMBOLS else 8.0
        bits += -np.log2(share) + tap_bits
        bits[WEIGHT_MAX] = -np.log2(1 - share)
        return cls(bits)

    def coded(self, levels: np.ndarray) -> np.ndarray:
        """The nearest levels that have a code."""
        return self._nearest[levels + WEIGHT_MAX]

    @cached_property
    def _nearest(self) -> np.ndarray:
        have = np.flatnonzero(np.isfinite(self.bits)) - WEIGHT_MAX
        every = np.arange(LEVELS) - WEIGHT_MAX
        above = np.clip(np.searchsorted(have, every), 1, max(len(have) - 1, 1))
        low, high = have[above - 1], have[np.minimum(above, len(have) - 1)]
        return np.where(every - low <= high - every, low, high)

    def total(self, levels: np.ndarray) -> float:
        """The bits of all `levels`, and of the table entries of those that occur."""
        counts = _counts(levels)
        occurring = np.flatnonzero(counts)
        return float(counts[occurring] @ self.bits[occurring]) + TABLE_ENTRY_BITS * len(occurring)


def _counts(levels: np.ndarray) -> np.ndarray:
    """How often each level occurs: int64 (LEVELS,)."""
    return np.bincount(np.ravel(levels).astype(np.int64) + WEIGHT_MAX, minlength=LEVELS)


def laplace(scale: float, tap_bits: float = 0.0) -> RateModel:
    """Rates to begin with: of levels whose probability falls by exp(-1 / `scale`) from each to the next."""
    magnitude = np.abs(np.arange(LEVELS) - WEIGHT_MAX)
    weight = np.exp(-magnitude / max(scale, 0.1))
    bits = -np.log2(np.maximum(weight / weight.sum(), 1e-9))
    bits[magnitude > 0] += tap_bits
    return RateModel(bits)
