"""The checks that the engine makes of its memories before it runs what they hold."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import FORMAT_VERSION, HEADER_WORDS, MAGIC, Header
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.sim.emulator.faults import EngineError

CRC_WORD_BYTES = 5              #: a word of up to 36 bits as little-endian bytes


def crc_of_words(*parts: Sequence[int]) -> int:
    """CRC-32 of the words of all `parts`, each word as 5 little-endian bytes."""
    crc = 0
    for words in parts:
        octets = np.array(words, "<u8").view(np.uint8).reshape(-1, 8)[:, :CRC_WORD_BYTES]
        crc = zlib.crc32(octets.tobytes(), crc)
    return crc


def check_contents(contents: MemoryContents, cfg: EngineConfig) -> None:
    """What the engine checks before the first frame after a change of its memories, in its order.

    Raises
    ------
    EngineError
        BAD_IDENTITY, CONFIG_MISMATCH, BAD_LENGTH, PROGRAM_CRC, WEIGHT_CRC or TABLE_CRC.
    """
    def require(condition: bool, code: ErrorCode, message: str) -> None:
        if not condition:
            raise EngineError(code, 0, message)

    require(len(contents.program) >= HEADER_WORDS, ErrorCode.BAD_IDENTITY, "the program has no header")
    header = {name: contents.program[name] for name in Header}
    require(header[Header.IDENTITY] == MAGIC << 8 | FORMAT_VERSION, ErrorCode.BAD_IDENTITY,
            f"identity {header[Header.IDENTITY]:#x} is not {MAGIC << 8 | FORMAT_VERSION:#x}")
    require(header[Header.CONFIG_DIGEST] == cfg.digest, ErrorCode.CONFIG_MISMATCH,
            f"made for an engine with digest {header[Header.CONFIG_DIGEST]:#x}, this one is {cfg.digest:#x}")
    entries = header[Header.TABLE_LENGTHS]
    lengths = (("program", header[Header.PROGRAM_LENGTH], cfg.program_words),
               ("weights", header[Header.WEIGHT_LENGTH], cfg.weight_words),
               ("values", entries & ((1 << 18) - 1), cfg.value_symbols), ("runs", entries >> 18, cfg.run_symbols))
    words = contents.by_name
    for name, length, capacity in lengths:
        least = HEADER_WORDS if name == "program" else 0
        require(least <= length <= capacity, ErrorCode.BAD_LENGTH, f"{name}: {length} words, there are {capacity}")
        require(length <= len(words[name]), ErrorCode.BAD_LENGTH,
                f"{name}: the header says {length} words, {len(words[name])} are there")
    program, weights, values, runs = (words[name][:length] for name, length, _ in lengths)
    covered = program[Header.PROGRAM_CRC + 1:]
    for code, which, found in ((ErrorCode.PROGRAM_CRC, Header.PROGRAM_CRC, crc_of_words(covered)),
                               (ErrorCode.WEIGHT_CRC, Header.WEIGHT_CRC, crc_of_words(weights)),
                               (ErrorCode.TABLE_CRC, Header.TABLE_CRC, crc_of_words(values, runs))):
        require(found == header[which], code, f"CRC is {found:#010x}, the header says {header[which]:#010x}")
