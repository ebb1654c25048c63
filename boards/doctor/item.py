"""One thing that a machine should have."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    """What a thing is needed for; `make sim` alone is what everybody needs."""

    SIM = "make sim"
    WAVES = "waveforms as FST"
    BITSTREAM = "make bitstream"
    BOARD = "a board at USB"
    COMMANDS = "some commands"


class Status(StrEnum):
    """Whether it is there: `missing` is in the way of `make sim`, `optional` of something else."""

    OK = "ok"
    MISSING = "missing"
    OPTIONAL = "optional"


@dataclass(frozen=True)
class Item:
    """A thing, what it is needed for, what was found, and how to mend it if it is not fine."""

    name: str
    purpose: Purpose
    fine: bool
    found: str
    fix: str = ""

    @property
    def status(self) -> Status:
        if self.fine:
            return Status.OK
        return Status.MISSING if self.purpose is Purpose.SIM else Status.OPTIONAL
