"""A tiny assembler for hardware tests: dictionaries of fields to program words with a sound header."""

import zlib

from firelane.hw.contract.config import MEMORY_BITS, EngineConfig
from firelane.hw.contract.instruction import (
    DESCRIPTOR,
    FORMAT_VERSION,
    HEADER_WORDS,
    MAGIC,
    Header,
    Opcode,
    instruction_layout,
    words_for,
)

WORD_MASK = (1 << MEMORY_BITS) - 1


def to_words(layout, fields: dict) -> list[int]:
    """`fields` of `layout` (nested as `const` wants them), little-endian in 36-bit words."""
    value = layout.const(fields).as_value().value
    return [value >> (MEMORY_BITS * n) & WORD_MASK for n in range(words_for(layout))]


def word_crc(words) -> int:
    return zlib.crc32(b"".join(word.to_bytes(5, "little") for word in words))


def instruction(cfg: EngineConfig, opcode: Opcode, *, slot_rows: int = 0, slot_address: int = 0, **fields) -> list[int]:
    """One instruction; `slot_*` are those of slot 0 unless `slots` is given."""
    fields.setdefault("slots", [{"address": slot_address, "rows": slot_rows}])
    return to_words(instruction_layout(cfg), {"opcode": opcode, **fields})


def descriptor(**fields) -> list[int]:
    return to_words(DESCRIPTOR, fields)


def with_header(cfg: EngineConfig, body, *, weights=(), values=(), runs=(), **changes) -> list[int]:
    """Header and `body`; `changes` (names of `Header`, lower case) replace header words."""
    header = [0] * HEADER_WORDS
    header[Header.IDENTITY] = MAGIC << 8 | FORMAT_VERSION
    header[Header.CONFIG_DIGEST] = cfg.digest
    header[Header.PROGRAM_LENGTH] = HEADER_WORDS + len(body)
    header[Header.WEIGHT_LENGTH] = len(weights)
    header[Header.WEIGHT_CRC] = word_crc(weights)
    header[Header.TABLE_LENGTHS] = len(values) | len(runs) << 18
    header[Header.TABLE_CRC] = word_crc([*values, *runs])
    for name, value in changes.items():
        if name != "program_crc":
            header[Header[name.upper()]] = value
    words = [*header, *body]
    words[Header.PROGRAM_CRC] = changes.get("program_crc", word_crc(words[Header.PROGRAM_CRC + 1:]))
    return words
