"""A model's memories as LOAD_WORDS commands, and whether a board can have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from firelane.boards.host.words import words
from firelane.compiler.support.errors import ConfigError
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.link_protocol import ARGUMENT_BYTES, WORD_BYTES
from firelane.hw.contract.registers import LOAD_ADDRESS, LoadTarget

LOADED = (("program", LoadTarget.PROGRAM), ("weights", LoadTarget.WEIGHT), ("values", LoadTarget.VALUE),
          ("runs", LoadTarget.RUN))
_COSMETIC = ("logic_lanes", "trace")        # a program runs on engines that differ in these


def word_count(images) -> int:
    """Of all memories of a `compiler.artefact.container.ImageFile`."""
    return sum(len(getattr(images, name)) for name, _ in LOADED)


def load_payloads(images, payload_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Payloads of LOAD_WORDS that fill all memories, and how many words are in each."""
    room = (payload_bytes - ARGUMENT_BYTES) // WORD_BYTES
    for name, target in LOADED:
        memory = getattr(images, name)
        for first in range(0, len(memory), room):
            piece = memory[first:first + room]
            address = LOAD_ADDRESS.const({"address": first, "target": target}).as_value().value
            yield words(address) + b"".join(int(word).to_bytes(WORD_BYTES, "little") for word in piece), len(piece)


def check_engine(where: str, wanted: EngineConfig, there: EngineConfig, digest: int, *, board: str) -> None:
    """Raises ConfigError, with what differs, if a model compiled for `wanted` is not for the engine `there`.

    `digest`: what the board's engine itself says.
    """
    if digest != wanted.digest:
        names = [field.name for field in fields(EngineConfig) if field.name not in _COSMETIC]
        different = [f"{name} {getattr(wanted, name)}, there {getattr(there, name)}" for name in names
                     if getattr(wanted, name) != getattr(there, name)]
        raise ConfigError(where, f"was compiled for another engine ({'; '.join(different) or 'of another version'})",
                          hint=f"compile it for the engine of {board}")
