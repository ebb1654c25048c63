"""Canonical prefix codes of at most 8 bits: made, written and read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firelane.hw.contract.config import MAX_CODE_BITS, MEMORY_BITS

SYMBOLS = 1 << MAX_CODE_BITS        #: most symbols of one code
_PIECE_WORDS = 2048                 # of a stream that are looked up at once


def code_lengths(counts: np.ndarray) -> np.ndarray:
    """Lengths of the best prefix code whose codes have at most 8 bits (package-merge).

    Parameters
    ----------
    counts : int (symbols,)
        How often each occurs; 1 .. 256 symbols, all above 0. Of equally good codes the result is always the same.
    """
    counts = np.asarray(counts, np.int64)
    symbols = len(counts)
    if not 1 <= symbols <= SYMBOLS or (counts <= 0).any():
        raise ValueError(f"a code needs 1 to {SYMBOLS} symbols that occur, not counts {counts!r}")
    if symbols == 1:
        return np.ones(1, np.int64)
    leaves = np.eye(symbols, dtype=np.int16)            # how often an item contains each symbol
    items, weights = leaves, counts
    for level in range(MAX_CODE_BITS):
        order = np.argsort(weights, kind="stable")
        items, weights = items[order], weights[order]
        if level < MAX_CODE_BITS - 1:
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

    `alphabet` int64: what each symbol stands for, in the order of the symbols. `limits`, `offsets`: of
    `hw.contract.instruction.CODE_WORD`, for lengths 1 .. 8. `codes`, `lengths` int64 per symbol; a code's first bit
    is its highest.
    """

    alphabet: np.ndarray
    limits: tuple[int, ...]
    offsets: tuple[int, ...]
    codes: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, letters: np.ndarray, counts: np.ndarray) -> PrefixCode:
        """The best code for `letters` (int64, distinct) that occur `counts` times; ties go by their order."""
        lengths = code_lengths(counts)
        order = np.argsort(lengths, kind="stable")
        lengths = lengths[order]
        limits, offsets, codes = [], [], np.zeros(len(order), np.int64)
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


class SymbolReader:
    """Reads symbols from a stream in memory, piece by piece.

    Parameters
    ----------
    memory : uint64 (words,)
    address : int
        Word in which the stream starts. Behind the memory follow zeros, as for the hardware.
    limits, offsets : sequence of int
        Of the code, for lengths 1 .. 8; None: symbols are 8 plain bits, least significant first.
    """

    def __init__(self, memory: np.ndarray, address: int, limits=None, offsets=None):
        self._memory, self._next_word = np.asarray(memory, np.uint64), address
        windows = np.arange(SYMBOLS)
        if limits is None:
            self._lengths = np.full(SYMBOLS, MAX_CODE_BITS)
            self._symbols = np.array([int(f"{window:08b}"[::-1], 2) for window in windows])
        else:
            length_index = (windows[:, None] >= np.asarray(limits)[None, :]).sum(axis=1)
            self._lengths = length_index + 1            # 9: no code
            shift = np.maximum(MAX_CODE_BITS - self._lengths, 0)
            offset = np.append(np.asarray(offsets), 0)[length_index]
            self._symbols = np.where(self._lengths > MAX_CODE_BITS, -1, ((windows >> shift) + offset) % SYMBOLS)
        self._place = 0             # of the next code in the coming piece
        self.bits = 0               # of all codes that were read
        self._ready: list[int] = []
        self._ready_bits: list[int] = []

    def read(self, count: int) -> np.ndarray:
        """The next `count` symbols: int64; fewer if the memory ends, and none after an invalid code, which is -1."""
        while len(self._ready) < count and self._decode_piece():
            pass
        symbols, self._ready = self._ready[:count], self._ready[count:]
        lengths, self._ready_bits = self._ready_bits[:count], self._ready_bits[count:]
        self.bits += sum(lengths)
        return np.array(symbols, np.int64)

    def _decode_piece(self) -> bool:
        """Decode the codes that begin in the next words; False at the end of the memory."""
        words = self._memory[self._next_word:self._next_word + _PIECE_WORDS + 1]
        if self._next_word >= len(self._memory) or (self._ready and self._ready[-1] < 0):
            return False
        size = min(_PIECE_WORDS, len(words)) * MEMORY_BITS
        bits = np.zeros(size + MEMORY_BITS, np.int64)
        each = (words[:, None] >> np.arange(MEMORY_BITS, dtype=np.uint64) & np.uint64(1)).astype(np.int64).reshape(-1)
        bits[:len(each)] = each[:len(bits)]
        windows = np.zeros(size, np.int64)
        for place in range(MAX_CODE_BITS):
            windows = windows << 1 | bits[place:place + size]
        lengths, symbols = self._lengths[windows].tolist(), self._symbols[windows].tolist()
        place = self._place
        while place < size:
            length = lengths[place]
            self._ready.append(symbols[place])
            self._ready_bits.append(length)
            if symbols[place] < 0:
                break
            place += length
        self._place = place - size
        self._next_word += _PIECE_WORDS
        return True
