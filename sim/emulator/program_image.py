"""The four memories that the host fills, and the checks that the engine makes before it runs them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from firelane.hw.contract.config import MEMORY_BITS, EngineConfig
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import FORMAT_VERSION, HEADER_WORDS, MAGIC, RUN_ENTRY, Header
from firelane.sim.emulator.faults import EngineError

CRC_WORD_BYTES = 5              #: a word of up to 36 bits as little-endian bytes


def frozen_words(values, bits: int, name: str) -> np.ndarray:
    """A read-only uint64 (n,) copy of `values`, all below 2**bits."""
    words = np.array(values, dtype=np.uint64)
    if words.ndim != 1 or (len(words) and int(words.max()) >> bits):
        raise ValueError(f"{name} must be a list of {bits}-bit words")
    words.setflags(write=False)
    return words


@dataclass(frozen=True, eq=False)
class MemoryImages:
    """What the load port writes: uint64 arrays, a word each.

    `program` and `weights` hold 36-bit words, `values` int8 weights as unsigned bytes, `runs` steps as
    `hw.contract.instruction.RUN_ENTRY` packs them.
    """

    program: np.ndarray
    weights: np.ndarray
    values: np.ndarray
    runs: np.ndarray

    def __post_init__(self):
        for name, bits in (("program", MEMORY_BITS), ("weights", MEMORY_BITS), ("values", 8), ("runs", RUN_ENTRY.size)):
            object.__setattr__(self, name, frozen_words(getattr(self, name), bits, name))


def crc_of_words(*parts: np.ndarray) -> int:
    """CRC-32 of the words of all `parts`, each word as 5 little-endian bytes."""
    crc = 0
    for words in parts:
        octets = np.ascontiguousarray(words, "<u8").view(np.uint8).reshape(-1, 8)[:, :CRC_WORD_BYTES]
        crc = zlib.crc32(octets.tobytes(), crc)
    return crc


def check_images(images: MemoryImages, cfg: EngineConfig) -> None:
    """What the engine checks before the first frame after a change of its memories, in its order.

    Raises
    ------
    EngineError
        BAD_IDENTITY, CONFIG_MISMATCH, BAD_LENGTH, PROGRAM_CRC, WEIGHT_CRC or TABLE_CRC.
    """
    def require(condition: bool, code: ErrorCode, message: str) -> None:
        if not condition:
            raise EngineError(code, 0, message)

    require(len(images.program) >= HEADER_WORDS, ErrorCode.BAD_IDENTITY, "the program has no header")
    header = {name: int(images.program[name]) for name in Header}
    require(header[Header.IDENTITY] == MAGIC << 8 | FORMAT_VERSION, ErrorCode.BAD_IDENTITY,
            f"identity {header[Header.IDENTITY]:#x} is not {MAGIC << 8 | FORMAT_VERSION:#x}")
    require(header[Header.CONFIG_DIGEST] == cfg.digest, ErrorCode.CONFIG_MISMATCH,
            f"made for an engine with digest {header[Header.CONFIG_DIGEST]:#x}, this one is {cfg.digest:#x}")
    entries = header[Header.TABLE_LENGTHS]
    lengths = (("program", header[Header.PROGRAM_LENGTH], cfg.program_words),
               ("weights", header[Header.WEIGHT_LENGTH], cfg.weight_words),
               ("values", entries & ((1 << 18) - 1), cfg.value_symbols), ("runs", entries >> 18, cfg.run_symbols))
    for name, length, capacity in lengths:
        least = HEADER_WORDS if name == "program" else 0
        require(least <= length <= capacity, ErrorCode.BAD_LENGTH, f"{name}: {length} words, there are {capacity}")
        require(length <= len(getattr(images, name)), ErrorCode.BAD_LENGTH,
                f"{name}: the header says {length} words, {len(getattr(images, name))} are there")
    program, weights, values, runs = (getattr(images, name)[:length] for name, length, _ in lengths)
    covered = program[Header.PROGRAM_CRC + 1:]
    for code, which, found in ((ErrorCode.PROGRAM_CRC, Header.PROGRAM_CRC, crc_of_words(covered)),
                               (ErrorCode.WEIGHT_CRC, Header.WEIGHT_CRC, crc_of_words(weights)),
                               (ErrorCode.TABLE_CRC, Header.TABLE_CRC, crc_of_words(values, runs))):
        require(found == header[which], code, f"CRC is {found:#010x}, the header says {header[which]:#010x}")
