"""Block RAMs are recognised by the key, whatever their width, base, order of bits and interleaving."""

from dataclasses import replace

import numpy as np
import pytest

from firelane.boards.contents.memory_key import key, to_bits, to_words
from firelane.boards.contents.memory_map import WIDTHS, BlockMap, MemoryMap, recognise
from firelane.boards.contents.trellis_config import BLOCK_WORDS
from firelane.hw.contract.memory_contents import MemoryShape

SHAPES = {"weights": MemoryShape(6000, 36), "values": MemoryShape(2048, 8)}


def keyed(block: BlockMap) -> dict[int, np.ndarray]:
    return MemoryMap(SHAPES, {1: block}).fill({name: key(name, shape) for name, shape in SHAPES.items()})


def shuffled(width: int, bits: int, seed: int) -> tuple[int | None, ...]:
    """Columns of a block: some bits of a memory in any order, perhaps not all columns."""
    order = np.random.default_rng(seed).permutation(bits).tolist()
    return tuple(order[:width]) + (None,) * max(width - bits, 0)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("first", [0, 512, 5930])
def test_every_width_base_and_order_is_found_again(width, first):
    block = BlockMap("weights", width, first, 1, shuffled(width, 36, seed=width))
    assert recognise(keyed(block), SHAPES).blocks == {1: block}


@pytest.mark.parametrize("step", [2, 4, 8])
def test_interleaved_words(step):
    block = BlockMap("weights", 36, step - 1, step, shuffled(36, 36, seed=step))
    found = recognise(keyed(block), SHAPES)
    contents = {"weights": np.random.default_rng(1).integers(0, 2, (6000, 36), np.uint8)}
    assert (found.fill(contents)[1] == MemoryMap(SHAPES, {1: block}).fill(contents)[1]).all()


def test_eight_bits_in_a_block_of_nine():
    block = BlockMap("values", 9, 0, 1, shuffled(9, 8, seed=3))
    assert recognise(keyed(block), SHAPES).blocks == {1: block}


def test_other_blocks_are_left_alone():
    noise = np.random.default_rng(2).integers(0, 512, BLOCK_WORDS, np.uint16)
    nearly = keyed(BlockMap("values", 9, 0, 1, shuffled(9, 8, seed=3)))[1]
    nearly[1500] ^= 1
    assert recognise({1: noise, 2: np.zeros(BLOCK_WORDS, np.uint16), 3: nearly}, SHAPES).blocks == {}


def whole_map() -> MemoryMap:
    """6000 words as columns of 9 bits, and the values."""
    columns = [tuple(range(n, n + 9)) for n in range(0, 36, 9)]
    blocks = [BlockMap("weights", 9, first, 1, bits) for first in (0, 2048, 4096) for bits in columns]
    return MemoryMap(SHAPES, dict(enumerate([*blocks, BlockMap("values", 9, 0, 1, (*range(8), None))])))


def test_what_is_filled_is_read_again():
    source = np.random.default_rng(4)
    contents = {name: source.integers(0, 2, (shape.words, shape.bits), np.uint8) for name, shape in SHAPES.items()}
    read = whole_map().read(whole_map().fill(contents))
    assert all((read[name] == contents[name]).all() for name in SHAPES)


def test_missing_bits_are_counted():
    whole = whole_map()
    assert whole.missing() == {}
    part = replace(whole, blocks={number: block for number, block in whole.blocks.items() if number not in (0, 12)})
    assert part.missing() == {"weights": 2048 * 9, "values": 2048 * 8}


def test_two_blocks_of_the_same_words_must_agree():
    whole = whole_map()
    twice = replace(whole, blocks={**whole.blocks, 99: whole.blocks[12]})
    blocks = twice.fill({name: key(name, shape) for name, shape in SHAPES.items()})
    assert (twice.read(blocks)["values"] == key("values", SHAPES["values"])).all()
    blocks[99][7] ^= 1
    with pytest.raises(ValueError, match="^block RAM 99 differs from another one that holds the same words$"):
        twice.read(blocks)
    with pytest.raises(ValueError, match="^block RAM 99 is absent$"):
        twice.read({number: words for number, words in blocks.items() if number != 99})


def test_words_and_bits():
    words = [0x812345678, 1, 2**36 - 1]
    assert to_words(to_bits(words, MemoryShape(5, 36))) == [*words, 0, 0]


def test_keys_depend_on_name_and_shape_only():
    shape = MemoryShape(1024, 17)
    assert (key("runs", shape) == key("runs", shape)).all()
    assert (key("runs", shape) != key("values", shape)).any()
