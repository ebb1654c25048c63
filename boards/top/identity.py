"""What a board says about itself when it is asked to identify: JSON, made when the board is built, read by hosts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.link_protocol import PAYLOAD_BYTES, VERSION


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Board, clock, limits and engine, as `docs/host_link.md` has it.

    Parameters
    ----------
    board : str
        Its name.
    clock_hz : int
        Of the engine.
    engine : EngineConfig
    payload_bytes : int
        The most that a command may carry.
    version : int
        Of the protocol.
    """

    board: str
    clock_hz: int
    engine: EngineConfig
    payload_bytes: int = PAYLOAD_BYTES
    version: int = VERSION

    def to_bytes(self) -> bytes:
        """The JSON; ports that only simulations have are not part of it."""
        engine = {name: value for name, value in asdict(self.engine).items() if name != "trace"}
        record = {"firelane": self.version, "board": self.board, "clock_hz": self.clock_hz,
                  "payload_bytes": self.payload_bytes, "engine": engine}
        return json.dumps(record, separators=(",", ":")).encode()


def read_identity(octets: bytes) -> Identity:
    """The reverse of `to_bytes`; fields of the engine that a later version may add are passed over.

    Raises
    ------
    ValueError
        If it is no identity.
    """
    try:
        record = json.loads(octets)
        known = {field.name for field in fields(EngineConfig)}
        engine = EngineConfig(**{name: value for name, value in record["engine"].items() if name in known})
        return Identity(board=str(record["board"]), clock_hz=int(record["clock_hz"]), engine=engine,
                        payload_bytes=int(record["payload_bytes"]), version=int(record["firelane"]))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"no identity: {error}") from None
