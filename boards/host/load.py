"""A model's memories as LOAD_WORDS commands, and whether a board can have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from firelane.boards.host.words import words
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.tiles.larger_engine import size_option
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.link_protocol import ARGUMENT_BYTES, WORD_BYTES
from firelane.hw.contract.memory_contents import LOAD_TARGETS
from firelane.hw.contract.registers import LOAD_ADDRESS

_COSMETIC = ("logic_lanes", "trace")        # a program runs on engines that differ in these


def load_payload(name: str, memory: Sequence[int], first: int, payload_bytes: int) -> tuple[bytes, int]:
    """The payload of LOAD_WORDS for a memory from word `first` on, and how many words are in it."""
    piece = memory[first:first + (payload_bytes - ARGUMENT_BYTES) // WORD_BYTES]
    address = LOAD_ADDRESS.const({"address": first, "target": LOAD_TARGETS[name]}).as_value().value
    return words(address) + b"".join(word.to_bytes(WORD_BYTES, "little") for word in piece), len(piece)


def check_engine(where: str, wanted: EngineConfig, there: EngineConfig, digest: int, *, board: str) -> None:
    """Raises ConfigError, with what differs, if a model compiled for `wanted` is not for the engine `there`.

    `digest`: what the board's engine itself says.
    """
    if digest != wanted.digest:
        names = [field.name for field in fields(EngineConfig) if field.name not in _COSMETIC]
        different = [f"{name} {getattr(wanted, name)}, there {getattr(there, name)}" for name in names
                     if getattr(wanted, name) != getattr(there, name)]
        other_taps = there.taps_per_cycle != wanted.taps_per_cycle
        taps = f" with {size_option('taps_per_cycle')} {there.taps_per_cycle}" if other_taps else ""
        raise ConfigError(where, f"was compiled for another engine ({'; '.join(different) or 'of another version'})",
                          hint=f"compile it for the engine of {board}{taps}")
