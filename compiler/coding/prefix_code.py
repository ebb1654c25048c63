"""Canonical prefix codes of at most 8 bits, and what is written with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firelane.hw.contract.config import MAX_CODE_BITS, MEMORY_BITS

SYMBOLS = 1 << MAX_CODE_BITS        #: most symbols of one code


def code_lengths(counts: np.ndarray, longest: int = MAX_CODE_BITS) -> np.ndarray:
    """Lengths of the best prefix code whose codes have at most `longest` bits (package-merge).

    Parameters
    ----------
    counts : int (symbols,)
        How often each occurs; 1 .. 2**longest symbols, all above 0. Of equally good codes the result is always the
        same.
    longest : int
        Up to 8.
    """
    counts = np.asarray(counts, np.int64)
    symbols = len(counts)
    if not 1 <= symbols <= 1 << longest or (counts <= 0).any():
        raise ValueError(f"a code needs 1 to {1 << longest} symbols that occur, not counts {counts!r}")
    if symbols == 1:
        return np.ones(1, np.int64)
    leaves = np.eye(symbols, dtype=np.int16)            # how often an item contains each symbol
    items, weights = leaves, counts
    for level in range(longest):
        order = np.argsort(weights, kind="stable")
        items, weights = items[order], weights[order]
        if level < longest - 1:
            pairs = len(weights) // 2 * 2
            packages, package_weights = items[:pairs:2] + items[1:pairs:2], weights[:pairs:2] + weights[1:pairs:2]
            items, weights = np.concatenate([leaves, packages]), np.concatenate([counts, package_weights])
    return items[:2 * symbols - 2].sum(axis=0, dtype=np.int64)


def entropy_bits(counts: np.ndarray) -> float:
    """Information of symbols that occur so often: what no code for single symbols can beat."""
    counts = np.asarray(counts, np.float64)
    counts = counts[counts > 0]
    return float((counts * np.log2(counts.sum() / counts)).sum())


@dataclass(frozen=True, eq=False)
class PrefixCode:
    """A canonical code.

    `alphabet` int64: what each symbol means, in the order of the symbols. `limits`, `offsets`: of
    `hw.contract.instruction.CODE_WORD`, for lengths 1 .. 8. `codes`, `lengths` int64 per symbol; a code's first bit
    is its highest.
    """

    alphabet: np.ndarray
    limits: tuple[int, ...]
    offsets: tuple[int, ...]
    codes: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, letters: np.ndarray, counts: np.ndarray, longest: int = MAX_CODE_BITS) -> PrefixCode:
        """The best code for `letters` (int64, distinct) that occur `counts` times; ties go by their order."""
        lengths = code_lengths(counts, longest)
        order = np.argsort(lengths, kind="stable")
        lengths = lengths[order]
        limits: list[int] = []
        offsets: list[int] = []
        codes = np.zeros(len(order), np.int64)
        code = rank = 0
        for length in range(1, MAX_CODE_BITS + 1):
            code <<= 1
            count = int((lengths == length).sum())
            codes[rank:rank + count] = np.arange(code, code + count)
            offsets.append((rank - code) % SYMBOLS)
            code, rank = code + count, rank + count
            limits.append(code << (MAX_CODE_BITS - length))
        return cls(np.asarray(letters, np.int64)[order], tuple(limits), tuple(offsets), codes, lengths)

    def symbols_of(self, letters: np.ndarray) -> np.ndarray:
        """The symbol of each letter."""
        order = np.argsort(self.alphabet, kind="stable")
        return order[np.searchsorted(self.alphabet[order], letters)]

    def lengths_of(self, letters: np.ndarray) -> np.ndarray:
        """int64: bits of each letter's code."""
        return self.lengths[self.symbols_of(letters)]

    def bits_of(self, letters: np.ndarray) -> np.ndarray:
        """The stream of `letters`: uint8 of 0 and 1, first bit first."""
        symbols = self.symbols_of(letters)
        lengths = self.lengths[symbols]
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        behind = np.repeat(ends, lengths) - 1 - np.arange(total)    # bits of the code after this one
        return (np.repeat(self.codes[symbols], lengths) >> behind & 1).astype(np.uint8)


def words_of(bits: np.ndarray) -> np.ndarray:
    """A bit stream in 36-bit words: uint64, the first bit in bit 0 of the first word, padded with zeros."""
    padded = np.zeros(-(-len(bits) // MEMORY_BITS) * MEMORY_BITS, np.uint64)
    padded[:len(bits)] = bits
    places = np.uint64(1) << np.arange(MEMORY_BITS, dtype=np.uint64)
    return (padded.reshape(-1, MEMORY_BITS) * places).sum(axis=1, dtype=np.uint64)
