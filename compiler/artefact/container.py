"""program.bin: the contents of all memories in one file.

    offset  size
    0       8     "FIRELANE"
    8       4     version of this format: 1
    12      4     EngineConfig.digest
    16      16    words of program, weights, values, runs, 4 bytes each
    32      ...   the words in this order: program and weights 5 bytes each, values 1, runs 3
    end     4     CRC-32 of everything before

All numbers are little-endian. The words are what the load port of the engine takes, from address 0 on.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from firelane.compiler.artefact.file_names import PROGRAM
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.files import read_file
from firelane.hw.contract.instruction import HEADER_WORDS
from firelane.hw.contract.memory_contents import MemoryContents

MAGIC = b"FIRELANE"
VERSION = 1
FILE_BYTES = 1 << 22            #: more than the memories of any engine hold
WORD_BYTES = {"program": 5, "weights": 5, "values": 1, "runs": 3}       #: of each memory, in order
_HEADER = struct.Struct("<8s6I")


def to_bytes(contents: MemoryContents) -> bytes:
    """The file's bytes."""
    memories = contents.by_name
    parts = [_HEADER.pack(MAGIC, VERSION, contents.config_digest, *(len(memories[name]) for name in WORD_BYTES))]
    parts += [b"".join(word.to_bytes(size, "little") for word in memories[name])
              for name, size in WORD_BYTES.items()]
    body = b"".join(parts)
    return body + struct.pack("<I", zlib.crc32(body))


def from_bytes(octets: bytes, where: str) -> MemoryContents:
    """The content of a file; `where` is its name for messages.

    Raises
    ------
    FirelaneError
        If it is something else, of another version, cut off or damaged.
    """
    if len(octets) < _HEADER.size + 4 or not octets.startswith(MAGIC):
        raise FirelaneError(where, "not a Firelane program", hint=f"give the {PROGRAM} that `firelane compile` wrote")
    _, version, digest, *lengths = _HEADER.unpack_from(octets)
    if version != VERSION:
        raise FirelaneError(where, f"format version {version}", hint=f"version {VERSION} is possible: compile again")
    size = _HEADER.size + sum(n * width for n, width in zip(lengths, WORD_BYTES.values())) + 4
    if len(octets) != size or zlib.crc32(octets[:-4]) != int.from_bytes(octets[-4:], "little"):
        raise FirelaneError(where, "damaged (length or CRC)", hint="compile again")
    try:
        contents = MemoryContents(**_split(octets, lengths))
    except ValueError as error:
        raise FirelaneError(where, f"damaged ({error})", hint="compile again") from None
    if len(contents.program) < HEADER_WORDS:
        raise FirelaneError(where, f"damaged (its program has {len(contents.program)} words)", hint="compile again")
    if contents.config_digest != digest:
        raise FirelaneError(where, "damaged (its program names another engine)", hint="compile again")
    return contents


def _split(octets: bytes, lengths: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Words of each memory, of which there are `lengths`."""
    memories, start = {}, _HEADER.size
    for (name, width), count in zip(WORD_BYTES.items(), lengths):
        memories[name] = tuple(int.from_bytes(octets[n:n + width], "little")
                               for n in range(start, start + count * width, width))
        start += count * width
    return memories


def read_contents(path: str | Path) -> MemoryContents:
    """`from_bytes` of a file."""
    try:
        return from_bytes(read_file(path, FILE_BYTES), str(path))
    except OSError as error:
        raise FirelaneError(str(path), error.strerror or "cannot be read",
                            hint=f"give the {PROGRAM} that `firelane compile` wrote") from None
