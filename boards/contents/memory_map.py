"""Where the words of the model's memories stand in the block RAMs of a finished design.

A block RAM of 18 Kbit is 2048 words of 9 bits in the configuration. Which bits an address reaches depends on its width:

    width   addresses   address a takes
    36      512         words 4 a .. 4 a + 3
    18      1024        words 2 a, 2 a + 1
    9       2048        word a
    4       4096        bits 4 (a mod 2) .. + 3 of word a div 2; likewise 2 and 1

A *column* is one bit at all addresses. `recognise` looks for the columns of a block in the key of each memory
(`boards.contents.memory_key`): address a of the block then holds word `first + step * a`. Nothing else is assumed of
how a memory is cut, so the hardware may cut it as it likes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from firelane.boards.contents.memory_key import key
from firelane.boards.contents.trellis_config import BLOCK_WORD_BITS, BLOCK_WORDS
from firelane.hw.contract.memory_contents import MemoryShape

BLOCK_BITS = BLOCK_WORDS * BLOCK_WORD_BITS
WIDTHS = (36, 18, 9, 4, 2, 1)
STEPS = (1, 2, 4, 8, 16)        #: between words at neighbouring addresses: memories may be interleaved
WINDOW = 64                     #: addresses that identify a column: as many random bits never meet by chance


@dataclass(frozen=True)
class BlockMap:
    """What one block RAM holds; `columns`: the memory's bit in each column, None where there is none."""

    memory: str
    width: int
    first: int
    step: int
    columns: tuple[int | None, ...]

    @classmethod
    def from_json(cls, record: dict) -> BlockMap:
        return cls(**{**record, "columns": tuple(record["columns"])})


@dataclass(frozen=True)
class MemoryMap:
    """All block RAMs that hold something of the model, by their numbers in the configuration."""

    shapes: Mapping[str, MemoryShape]
    blocks: Mapping[int, BlockMap]

    def fill(self, contents: Mapping[str, np.ndarray]) -> dict[int, np.ndarray]:
        """Number -> uint16 (2048,): the blocks for contents as `boards.contents.memory_key.to_bits` gives them."""
        return {number: _fill(block, contents[block.memory]) for number, block in self.blocks.items()}

    def read(self, blocks: Mapping[int, np.ndarray]) -> dict[str, np.ndarray]:
        """The contents again, from all blocks.

        Raises
        ------
        ValueError
            If a block is absent, or two that hold the same bits differ.
        """
        contents = {name: np.full((shape.words, shape.bits), 2, np.uint8) for name, shape in self.shapes.items()}
        for number, block in self.blocks.items():
            if number not in blocks:
                raise ValueError(f"block RAM {number} is absent")
            _read(number, block, blocks[number], contents[block.memory])
        return contents

    def missing(self) -> dict[str, int]:
        """Memory -> bits that stand in no block RAM; empty if all is well."""
        zeros = {number: np.zeros(BLOCK_WORDS, np.uint16) for number in self.blocks}
        counts = {name: int(np.count_nonzero(bits == 2)) for name, bits in self.read(zeros).items()}
        return {name: count for name, count in counts.items() if count}


def recognise(blocks: Mapping[int, np.ndarray], shapes: Mapping[str, MemoryShape]) -> MemoryMap:
    """Which of `blocks` (number -> uint16 (2048,)) hold what of the keys; the others hold nothing of the model."""
    keys = {name: key(name, shape) for name, shape in shapes.items()}
    strings = {(name, step): _columns_in_a_row(bits, step) for name, bits in keys.items() for step in STEPS}
    found = {number: _recognise(_to_bits(words), keys, strings) for number, words in blocks.items() if words.any()}
    return MemoryMap(shapes, {number: block for number, block in found.items() if block})


def places(width: int) -> np.ndarray:
    """Which bit of the block, 0 .. 18431, is at each address and column: int (addresses, width)."""
    if width >= BLOCK_WORD_BITS:
        return np.arange(BLOCK_BITS).reshape(-1, width)
    in_word = np.arange(8 // width * width).reshape(-1, width)
    return (np.arange(BLOCK_WORDS)[:, None, None] * BLOCK_WORD_BITS + in_word).reshape(-1, width)


def _to_bits(words: np.ndarray) -> np.ndarray:
    return (words[:, None] >> np.arange(BLOCK_WORD_BITS) & 1).astype(np.uint8).reshape(-1)


def _to_words(bits: np.ndarray) -> np.ndarray:
    return (bits.reshape(-1, BLOCK_WORD_BITS).astype(np.uint16) << np.arange(BLOCK_WORD_BITS)).sum(1, dtype=np.uint16)


def _fill(block: BlockMap, contents: np.ndarray) -> np.ndarray:
    bits = np.zeros(BLOCK_BITS, np.uint8)
    for place, word, bit in _pairs(block, len(contents)):
        bits[place] = contents[word, bit]
    return _to_words(bits)


def _read(number: int, block: BlockMap, words: np.ndarray, contents: np.ndarray) -> None:
    bits = _to_bits(words)
    for place, word, bit in _pairs(block, len(contents)):
        before, now = contents[word, bit], bits[place]
        if np.any((before != 2) & (before != now)):
            raise ValueError(f"block RAM {number} differs from another one that holds the same words")
        contents[word, bit] = now


def _pairs(block: BlockMap, words: int) -> Iterator[tuple[np.ndarray, slice, int]]:
    """Column by column: the bits of the block, the words that they are of, and their bit in these."""
    table = places(block.width)
    held = min(len(table), -(-(words - block.first) // block.step))
    taken = slice(block.first, block.first + (held - 1) * block.step + 1, block.step)
    for column, bit in enumerate(block.columns):
        if bit is not None:
            yield table[:held, column], taken, bit


def _columns_in_a_row(bits: np.ndarray, step: int) -> bytes:
    """All columns of a memory one after the other, each as `step` parts of every `step`-th word; for `_locate`."""
    rows = -(-len(bits) // step)
    padded = np.full((rows * step, bits.shape[1]), 2, np.uint8)         # 2: nothing to be found across borders
    padded[:len(bits)] = bits
    parts = padded.reshape(rows, step, -1).transpose(2, 1, 0)           # bit, part, row
    return np.concatenate([parts, np.full((*parts.shape[:2], 1), 2, np.uint8)], axis=2).tobytes()


def _locate(place: int, words: int, step: int) -> tuple[int, int]:
    """First word and bit of what stands at `place` of `_columns_in_a_row`."""
    rows = -(-words // step) + 1
    column, row = divmod(place, rows)
    bit, part = divmod(column, step)
    return row * step + part, bit


def _recognise(bits: np.ndarray, keys: Mapping[str, np.ndarray], strings: Mapping) -> BlockMap | None:
    """Small steps first: every second address of a block is a column of a block of twice the width, too."""
    for step, width in product(STEPS, WIDTHS):
        columns = bits[places(width)]
        window = next((column[:WINDOW].tobytes() for column in columns.T if column[:WINDOW].any()), None)
        for name, words in keys.items():
            place = strings[name, step].find(window) if window else -1
            if place >= 0:
                first, _ = _locate(place, len(words), step)
                block = BlockMap(name, width, first, step, tuple(_match(columns, words[first::step])))
                if (_fill(block, words) == _to_words(bits)).all():
                    return block
    return None


def _match(columns: np.ndarray, words: np.ndarray) -> list[int | None]:
    """The bit of `words` that each column of a block holds."""
    held = min(len(columns), len(words))
    known = {words[:held, bit].tobytes(): bit for bit in range(words.shape[1])}
    return [known.get(columns[:held, column].tobytes()) for column in range(columns.shape[1])]
