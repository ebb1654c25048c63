"""Contents by which each block RAM of a finished design is recognised.

A design is built with these in the memories of the model. `boards.contents.memory_map` finds them again in its
configuration, and so which bit of which block holds which bit of which word, however memories are cut into blocks.
"""

from __future__ import annotations

import hashlib

import numpy as np

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.memory_contents import MemoryContents, MemoryShape, memory_shapes


def key(name: str, shape: MemoryShape) -> np.ndarray:
    """Random bits, always the same for a name and a shape: uint8 (words, bits) of 0 and 1, bit 0 first."""
    count = shape.words * shape.bits
    octets = hashlib.shake_256(name.encode()).digest(-(-count // 8))
    return np.unpackbits(np.frombuffer(octets, np.uint8), count=count).reshape(shape.words, shape.bits)


def to_bits(words, shape: MemoryShape) -> np.ndarray:
    """The bits of a memory that begins with `words`, the rest 0: uint8 (words, bits)."""
    padded = np.zeros(shape.words, np.uint64)
    padded[:len(words)] = np.array(words, np.uint64)
    return (padded[:, None] >> np.arange(shape.bits, dtype=np.uint64) & np.uint64(1)).astype(np.uint8)


def to_words(bits: np.ndarray) -> list[int]:
    """The words that have these bits: the reverse of `to_bits`."""
    weights = np.uint64(1) << np.arange(bits.shape[1], dtype=np.uint64)
    return (bits.astype(np.uint64) @ weights).tolist()


def key_contents(cfg: EngineConfig) -> MemoryContents:
    """Every word of every memory of an engine, as `key` makes it."""
    return MemoryContents(**{name: tuple(to_words(key(name, shape))) for name, shape in memory_shapes(cfg).items()})
