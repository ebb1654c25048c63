"""Which words are kept in block RAM, and in which pieces: for the memories, and for estimates of their size."""

from collections.abc import Iterator
from functools import cache

BANK_BLOCK_WORDS = 1024     #: depth of an ECP5 block RAM that is 16 (18) bits wide: 7 blocks make a bank
DISTRIBUTED_WORDS = 256     #: most words of a bank beyond whole blocks that are made of distributed RAM

WEIGHT_BLOCK_WORDS = (2048, 1024, 512)  #: words that 4, 2 or 1 block RAMs of 18 Kbit hold, 9, 18 or 36 bits wide
STATION_BLOCKS = 3                      #: blocks of the weight memory that share a register of its pipeline

RESULT_BLOCK_BYTES = 128    #: results of at least so many bytes are kept in block RAM, smaller ones in distributed RAM


def bank_segments(words: int) -> list[int]:
    """Depths of the memories that make one bank: whole blocks, then what is left if that is little.

    The first is made of block RAM, a second of distributed RAM. 1024 -> [1024]; 1280 -> [1024, 256]; 1500 -> [1500].
    """
    rest = words % BANK_BLOCK_WORDS
    if rest == words or not 0 < rest <= DISTRIBUTED_WORDS:
        return [words]
    return [words - rest, rest]


def weight_blocks(words: int) -> Iterator[int]:
    """Sizes of the blocks that make a weight memory of `words` words: ceil(words / 512) block RAMs in all."""
    while words > 0:
        size = next((size for size in WEIGHT_BLOCK_WORDS if size <= words), WEIGHT_BLOCK_WORDS[-1])
        yield size
        words -= size


@cache                                  # asked for each instruction of a network
def weight_stations(words: int) -> int:
    """Registers of the pipeline along a weight memory of `words` words."""
    return -(-len(list(weight_blocks(words))) // STATION_BLOCKS)


def result_in_block_ram(result_bytes: int) -> bool:
    """Whether the host link keeps a result of `result_bytes`, and then its identity too, in block RAM."""
    return result_bytes >= RESULT_BLOCK_BYTES
