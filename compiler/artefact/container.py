"""program.bin: all memory images in one file.

    offset  size
    0       8     "FIRELANE"
    8       4     version of this format: 1
    12      4     EngineConfig.digest
    16      16    words of program, weights, values, runs, 4 bytes each
    32      ...   the words in this order: program and weights 5 bytes each, values 1, runs 3
    end     4     CRC-32 of everything before

All numbers are little-endian. The images are what the load port of the engine takes, from address 0 on.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from firelane.compiler.support.errors import FirelaneError

MAGIC = b"FIRELANE"
VERSION = 1
WORD_BYTES = {"program": 5, "weights": 5, "values": 1, "runs": 3}       #: of each image, in order
_HEADER = struct.Struct("<8s6I")


@dataclass(frozen=True)
class ImageFile:
    """The four memory images, and the digest of the engine that they are for."""

    config_digest: int
    program: tuple[int, ...]
    weights: tuple[int, ...]
    values: tuple[int, ...]
    runs: tuple[int, ...]


def to_bytes(images, config_digest: int) -> bytes:
    """The file; `images` has the members of `ImageFile`."""
    lists = [getattr(images, name) for name in WORD_BYTES]
    parts = [_HEADER.pack(MAGIC, VERSION, config_digest, *map(len, lists))]
    parts += [b"".join(word.to_bytes(size, "little") for word in words)
              for words, size in zip(lists, WORD_BYTES.values())]
    body = b"".join(parts)
    return body + struct.pack("<I", zlib.crc32(body))


def from_bytes(octets: bytes, where: str) -> ImageFile:
    """The content of a file; `where` is its name for messages.

    Raises
    ------
    FirelaneError
        If it is something else, of another version, cut off or damaged.
    """
    if len(octets) < _HEADER.size + 4 or not octets.startswith(MAGIC):
        raise FirelaneError(where, "not a Firelane program", hint="give the program.bin that `firelane compile` wrote")
    _, version, digest, *lengths = _HEADER.unpack_from(octets)
    if version != VERSION:
        raise FirelaneError(where, f"format version {version}", hint=f"version {VERSION} is possible: compile again")
    size = _HEADER.size + sum(n * width for n, width in zip(lengths, WORD_BYTES.values())) + 4
    if len(octets) != size or zlib.crc32(octets[:-4]) != int.from_bytes(octets[-4:], "little"):
        raise FirelaneError(where, "damaged (length or CRC)", hint="compile again")
    images, start = {}, _HEADER.size
    for (name, width), count in zip(WORD_BYTES.items(), lengths):
        images[name] = tuple(int.from_bytes(octets[n:n + width], "little")
                             for n in range(start, start + count * width, width))
        start += count * width
    return ImageFile(digest, **images)


def read_images(path: str | Path) -> ImageFile:
    """`from_bytes` of a file."""
    try:
        return from_bytes(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise FirelaneError(str(path), error.strerror or "cannot be read",
                            hint="give the program.bin that `firelane compile` wrote") from None
