"""Project Trellis' text form of an ECP5 configuration: the contents of its block RAMs, read and replaced.

A block RAM with contents is a section of the file: `.bram_init N`, then 2048 words of 9 bits as hexadecimal numbers,
eight a line. Everything else is passed on as it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import numpy as np

from firelane.compiler.support.errors import FirelaneError

BLOCK_WORDS, BLOCK_WORD_BITS = 2048, 9
_WORDS_PER_LINE = 8
_SECTION = re.compile(r"^\.bram_init (\d+)\n((?:[0-9a-fA-F \t]+\n)+)", re.MULTILINE)


def read_blocks(text: str, where: str) -> dict[int, np.ndarray]:
    """Number of each block RAM -> uint16 (2048,), its 9-bit words.

    Raises
    ------
    FirelaneError
        If a section is cut off, or a word has more than 9 bits; `where` names the file.
    """
    blocks = {}
    for number, body in _SECTION.findall(text):
        words = [int(word, 16) for word in body.split()]
        if len(words) != BLOCK_WORDS or max(words) >> BLOCK_WORD_BITS:
            raise FirelaneError(where, f"block RAM {number} has not {BLOCK_WORDS} words of {BLOCK_WORD_BITS} bits",
                                hint="build the bitstream again")
        blocks[int(number)] = np.array(words, np.uint16)
    return blocks


def replace_blocks(text: str, blocks: Mapping[int, np.ndarray]) -> str:
    """`text` with the contents of the block RAMs in `blocks`; the others stay."""
    def section(found: re.Match) -> str:
        number = int(found[1])
        return f".bram_init {number}\n{_lines(blocks[number])}" if number in blocks else found[0]
    return _SECTION.sub(section, text)


def design_digest(text: str) -> str:
    """SHA-256 of all but the contents of block RAMs: the same before and after `replace_blocks`."""
    return hashlib.sha256(_SECTION.sub(r".bram_init \1\n", text).encode()).hexdigest()


def _lines(words: np.ndarray) -> str:
    rows = words.reshape(-1, _WORDS_PER_LINE).tolist()
    return "".join(" ".join(f"{word:03x}" for word in row) + "\n" for row in rows)
