"""Arguments of commands, as bytes."""

from __future__ import annotations

from firelane.hw.contract.link_protocol import ARGUMENT_BYTES


def words(*values: int) -> bytes:
    """Each in 4 bytes, least significant first."""
    return b"".join(int(value).to_bytes(ARGUMENT_BYTES, "little") for value in values)
