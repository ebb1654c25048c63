"""The engine's own memories, and the record of what was written to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firelane.hw.contract.config import BANK_PIXELS, EngineConfig


@dataclass(frozen=True, eq=False)
class Writes:
    """Writes of one instruction to the activation memory, in the hardware's order.

    `address`, `bank`, `enable` int64 (n,); `data` uint8 (n, 14). Pixel p is written if bit p of `enable` is set; the
    others of `data` mean nothing.
    """

    address: np.ndarray
    bank: np.ndarray
    enable: np.ndarray
    data: np.ndarray

    def __len__(self) -> int:
        return len(self.address)

    def apply(self, memory: np.ndarray) -> None:
        """Do them, on uint8 (words, banks, 14)."""
        enabled = (self.enable[:, None] >> np.arange(BANK_PIXELS)) & 1 == 1
        write, pixel = np.nonzero(enabled)
        memory[self.address[write], self.bank[write], pixel] = self.data[write, pixel]


NOTHING = np.empty(0, np.int64)
NO_WRITES = Writes(NOTHING, NOTHING, NOTHING, np.empty((0, BANK_PIXELS), np.uint8))


class WorkingMemories:
    """Activation memory and channel sums, full of garbage at first.

    Members
    -------
    activations : uint8 (activation_words, banks, 14)
    sums : int64 (average_channels,)
    """

    def __init__(self, cfg: EngineConfig, seed: int):
        rng = np.random.default_rng(seed)
        shape = (cfg.activation_words, cfg.banks, BANK_PIXELS)
        self.activations = rng.integers(0, 256, shape, dtype=np.uint8)
        self.sums = rng.integers(0, 1 << cfg.average_bits, cfg.average_channels)


def word_rows(words: np.ndarray, rows_per_word: int) -> np.ndarray:
    """Words as rows of pixels: (..., banks, 14) -> (..., rows, 14 * parts), a copy."""
    *outer, banks, pixels = words.shape
    parts = banks // rows_per_word
    by_part = words.reshape(*outer, parts, rows_per_word, pixels)
    return by_part.swapaxes(-3, -2).reshape(*outer, rows_per_word, parts * pixels)
