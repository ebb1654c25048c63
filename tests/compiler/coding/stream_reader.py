"""Weight streams read back: an inverse of `compiler.coding` that shares nothing with how the streams are written."""

import numpy as np

from firelane.compiler.coding.prefix_code import SYMBOLS
from firelane.hw.contract.config import MAX_CODE_BITS, MEMORY_BITS
from firelane.hw.contract.instruction import KERNEL_BITS

PIECE_WORDS = 2048          # of a stream that are looked up at once


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
        words = self._memory[self._next_word:self._next_word + PIECE_WORDS + 1]
        if self._next_word >= len(self._memory) or (self._ready and self._ready[-1] < 0):
            return False
        size = min(PIECE_WORDS, len(words)) * MEMORY_BITS
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
        self._next_word += PIECE_WORDS
        return True


class TurnReader:
    """Reads symbols from two streams in turn."""

    def __init__(self, first: SymbolReader, second: SymbolReader):
        self._readers = [first, second]

    def read(self, count: int) -> np.ndarray:
        """The next `count` symbols, as `SymbolReader.read`; with an odd number it was the last time."""
        parts = [reader.read(size) for reader, size in zip(self._readers, (count - count // 2, count // 2))]
        found = np.full(count, -1, np.int64)
        for turn, part in enumerate(parts):
            found[turn::2][:len(part)] = part
        return found[:int((found >= 0).argmin())] if (found < 0).any() else found


def decode_layer(memory: np.ndarray, *, value_address: int, run_address: int, code_words, value_table, run_table,
                 dense: bool, raw_values: bool, shape: tuple[int, int, int],
                 second: tuple[int, int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The exact inverse of `encode_layer`: (places, weights) int64 of all taps, the terminator left out.

    Parameters
    ----------
    memory : uint64 (words,)
    value_address, run_address : int
        Words in which the streams start.
    code_words, value_table, run_table, dense, raw_values
        As in `EncodedLayer`.
    second : (int, int), optional
        The addresses of the values and of the runs of every second tap.
    shape : (O, I, places)
        A place is an index into the weights of this shape, flat.

    Raises
    ------
    ValueError
        If a stream is broken: an invalid code, no end, or an output channel without a tap.
    """
    channels, inputs, kernel = shape
    total, group = channels * inputs * kernel, inputs * kernel
    if dense:
        places = np.arange(total + 1)
    else:
        coded = {"limits": [word["run_limit"] for word in code_words],
                 "offsets": [word["run_offset"] for word in code_words]}
        reader = _reader(memory, (run_address, second and second[1]), coded)
        places = _decode_places(reader, np.asarray(run_table, np.int64), kernel, total)
    if np.diff(places // group, prepend=-1).max() > 1:
        raise ValueError("a step leads past a whole output channel")
    coded = {} if raw_values else {"limits": [word["value_limit"] for word in code_words],
                                   "offsets": [word["value_offset"] for word in code_words]}
    symbols = _reader(memory, (value_address, second and second[0]), coded).read(len(places))
    if len(symbols) < len(places) or (symbols < 0).any():
        raise ValueError("the value stream has an invalid code, or ends too early")
    weights = symbols.astype(np.uint8).astype(np.int8) if raw_values else np.asarray(value_table, np.int64)[symbols]
    return places[:-1], weights[:-1].astype(np.int64)


def _reader(memory: np.ndarray, addresses, coded) -> SymbolReader | TurnReader:
    """Of the stream at the first address, or of it and the one at the second in turn."""
    first, second = addresses
    reader = SymbolReader(memory, first, **coded)
    return reader if second is None else TurnReader(reader, SymbolReader(memory, second, **coded))


def _decode_places(reader, table, kernel, total) -> np.ndarray:
    """Flat places of the taps, up to and including the first that is past the layer."""
    found, last = [], -1
    while last < total:
        symbols = reader.read(4096)
        if len(symbols) == 0 or (symbols < 0).all():
            raise ValueError("the run stream has an invalid code, or does not end")
        symbols = symbols[symbols >= 0]
        entries = table[symbols[symbols < len(table)]]
        steps = (entries >> KERNEL_BITS) * kernel + (entries & ((1 << KERNEL_BITS) - 1))
        found.append(last + np.cumsum(steps))
        last = int(found[-1][-1])
    places = np.concatenate(found)
    return places[:int((places < total).sum()) + 1]
