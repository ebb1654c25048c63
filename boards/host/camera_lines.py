"""What a board with a camera says: lines of text, as docs/camera.md has them."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass

from firelane.hw.contract.camera import ANSWER, ANSWER_NUMBERS, STATE, STATE_NUMBERS

_KINDS = {STATE: STATE_NUMBERS, ANSWER: ANSWER_NUMBERS}
LONGEST = 512                           #: a line that does not end by then is none


@dataclass(frozen=True, kw_only=True)
class CameraLine:
    """One line.

    Parameters
    ----------
    clock_hz : int
        Of the engine.
    digest : int
        Of the program; 0 if the engine's memories are damaged.
    frames, dropped, skipped, errors : int
        Since power-up: answers; frames with a fault; sound frames that found the engine at work; errors of the engine.
    cycles : int, optional
        Of the engine for this answer, rows that it waited for included; None in a line without an answer.
    latency : int, optional
        Cycles from the last byte of the picture to the answer.
    best : tuple of (class, stored value)
        The best one first.
    """

    clock_hz: int
    digest: int
    frames: int
    dropped: int
    skipped: int
    errors: int
    cycles: int | None = None
    latency: int | None = None
    best: tuple[tuple[int, int], ...] = ()


class LineSplitter:
    """Bytes of a serial line in pieces, to lines; `damaged` counts those that are none."""

    def __init__(self) -> None:
        self._rest = b""
        self.damaged = 0

    def feed(self, octets: bytes) -> list[CameraLine]:
        """The lines that end with these bytes."""
        *ended, rest = (self._rest + octets).split(b"\n")
        self._rest = rest[-LONGEST:]
        found = []
        for text in ended:
            line = read_line(text)
            if line is not None:
                found.append(line)
            elif text.strip():
                self.damaged += 1
        return found


def read_line(text: bytes) -> CameraLine | None:
    """One line; None if it is damaged, or something else."""
    body, star, checksum = text.strip().rpartition(b"*")
    begins, body = body[:1], body[1:]
    if begins != b"$" or not star or checksum != b"%02X" % functools.reduce(operator.xor, body, 0):
        return None
    *kind, clock = body.split(b",")[:3]
    names = _KINDS.get(b",".join(kind))
    numbers = body.split(b",")[3:]
    if names is None or len(numbers) < len(names) or (len(numbers) - len(names)) % 2 or not all(
            number.isdigit() for number in (clock, *numbers)):
        return None
    values = [int(number) for number in numbers]
    rest = values[len(names):]
    return CameraLine(clock_hz=int(clock), best=tuple(zip(rest[::2], rest[1::2])), **dict(zip(names, values)))


def read_lines(octets: bytes) -> list[CameraLine]:
    """All lines of a recording."""
    return LineSplitter().feed(octets)
