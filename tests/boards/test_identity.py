# amaranth: UnusedElaboratable=no
"""What boards say about themselves: everything that a host needs, in what fits an answer."""

import json

import pytest

from boards import all_boards
from boards.identity import identity
from hw.config import EngineConfig
from hw.link.answer_source import AnswerSource
from hw.link.protocol import PAYLOAD_BYTES, VERSION


@pytest.mark.parametrize("board", all_boards(), ids=lambda board: board.name)
def test_identity(board):
    octets = identity(board, board.clock_hz)
    AnswerSource(octets)        # refuses what is too long
    record = json.loads(octets)
    assert EngineConfig(**record.pop("engine")) == board.engine
    assert record == {"firelane": VERSION, "board": board.name, "clock_hz": board.clock_hz,
                      "payload_bytes": PAYLOAD_BYTES}
