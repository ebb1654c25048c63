"""Frames of the host link, as bytes: built, escaped, and found again in what a line brings."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from firelane.hw.contract.link_protocol import CRC_BYTES, ESCAPE, ESCAPE_XOR, FLAG, HEADER_BYTES, PAYLOAD_BYTES

_ESCAPES = {byte: bytes((ESCAPE, byte ^ ESCAPE_XOR)) for byte in (ESCAPE, FLAG)}
_FLAG = bytes((FLAG,))
_LONGEST = 4 * PAYLOAD_BYTES        # more than any frame, escapes included


@dataclass(frozen=True)
class Frame:
    """A command or an answer."""

    sequence: int
    command: int
    payload: bytes = b""

    def to_bytes(self) -> bytes:
        """The bytes that go over the line, with a FLAG before and after."""
        body = bytes((self.sequence, self.command)) + len(self.payload).to_bytes(2, "little") + self.payload
        return seal(body)


def seal(body: bytes) -> bytes:
    """Header and payload with their CRC, escaped, between two FLAGs."""
    body += zlib.crc32(body).to_bytes(CRC_BYTES, "little")
    return _FLAG + b"".join(_ESCAPES.get(byte, bytes((byte,))) for byte in body) + _FLAG


def unescape(octets: Iterable[int]) -> bytes:
    """What stands between two FLAGs, as it was before it was escaped."""
    plain, flip = bytearray(), 0
    for byte in octets:
        if byte == ESCAPE:
            flip = ESCAPE_XOR
        else:
            plain.append(byte ^ flip)
            flip = 0
    return bytes(plain)


def open_body(octets: bytes) -> Frame | None:
    """The frame between two FLAGs, still escaped; None if it is damaged."""
    body = unescape(octets)
    content, crc = body[:-CRC_BYTES], body[-CRC_BYTES:]
    if len(content) < HEADER_BYTES or zlib.crc32(content) != int.from_bytes(crc, "little"):
        return None
    payload = content[HEADER_BYTES:]
    if int.from_bytes(content[2:HEADER_BYTES], "little") != len(payload):
        return None
    return Frame(content[0], content[1], payload)


class Deframer:
    """Cuts a line's bytes, as they come, into frames; damaged ones are dropped."""

    def __init__(self):
        self._pending = b""

    def feed(self, octets: Iterable[int]) -> Iterator[Frame]:
        """The good frames that are complete with these bytes."""
        *bodies, self._pending = (self._pending + bytes(octets)).split(_FLAG)
        if len(self._pending) > _LONGEST:       # no frame: the rest of it is dropped with the next FLAG
            self._pending = self._pending[:_LONGEST]
        for body in bodies:
            frame = open_body(body) if body else None
            if frame is not None:
                yield frame
