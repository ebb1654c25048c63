"""Reading and replacing the block RAM sections of a configuration text."""

import numpy as np
import pytest

from firelane.boards.contents.trellis_config import BLOCK_WORDS, design_digest, read_blocks, replace_blocks
from firelane.compiler.support.errors import FirelaneError

HEAD = ".device LFE5U-25F\n\n.comment Part: LFE5U-25F-6CABGA381\n\n.tile R1C1:PLC2\nword: SLICEA.K0.INIT 0101\n\n"


def section(number: int, words) -> str:
    lines = [" ".join(f"{word:03x}" for word in words[n:n + 8]) for n in range(0, len(words), 8)]
    return f".bram_init {number}\n" + "\n".join(lines) + "\n\n"


def random_words(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 512, BLOCK_WORDS, np.uint16)


def test_blocks_are_read_and_replaced_and_nothing_else_changes():
    text = HEAD + section(3, random_words(3)) + section(12, random_words(12)) + ".tile_group A:B\n"
    blocks = read_blocks(text, "top.config")
    assert list(blocks) == [3, 12]
    assert (blocks[12] == random_words(12)).all()
    assert replace_blocks(text, blocks) == text
    changed = replace_blocks(text, {12: random_words(5)})
    assert changed == HEAD + section(3, random_words(3)) + section(12, random_words(5)) + ".tile_group A:B\n"
    assert design_digest(changed) == design_digest(text)


def test_the_digest_sees_everything_but_contents():
    text = HEAD + section(3, random_words(3))
    for other in (text.replace("0101", "0111"), text.replace(".bram_init 3", ".bram_init 4"), text + "x"):
        assert design_digest(other) != design_digest(text)


@pytest.mark.parametrize("words", [[0] * 2047, [0] * 2049, [512] + [0] * 2047])
def test_a_broken_section_is_named(words):
    with pytest.raises(FirelaneError, match=r"^a\.config: block RAM 7 has not 2048 words of 9 bits; build the "
                                            r"bitstream again$"):
        read_blocks(section(7, words), "a.config")
