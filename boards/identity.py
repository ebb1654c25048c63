"""What a board says about itself when it is asked to identify: JSON, made when the board is built."""

from __future__ import annotations

import json
from dataclasses import asdict

from boards.board import Board
from hw.link.protocol import PAYLOAD_BYTES, VERSION


def identity(board: Board, clock_hz: float) -> bytes:
    """Protocol version, limits, board, clock and engine, as `docs/host_link.md` has it."""
    engine = {name: value for name, value in asdict(board.engine).items() if name != "trace"}
    record = {"firelane": VERSION, "board": board.name, "clock_hz": round(clock_hz), "payload_bytes": PAYLOAD_BYTES,
              "engine": engine}
    return json.dumps(record, separators=(",", ":")).encode()
