# amaranth: UnusedElaboratable=no
"""What boards say about themselves: everything that a host needs, in what fits an answer, and read back."""

import json

import pytest

from firelane.boards import all_boards, get_board
from firelane.boards.top.identity import Identity, read_identity
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.link_protocol import PAYLOAD_BYTES, VERSION
from firelane.hw.link.answer_source import AnswerSource


@pytest.mark.parametrize("board", all_boards(), ids=lambda board: board.name)
def test_identity(board):
    said = Identity(board=board.name, clock_hz=75_000_000, engine=board.engine)
    AnswerSource(said.to_bytes())       # refuses what is too long
    record = json.loads(said.to_bytes())
    assert EngineConfig(**record.pop("engine")) == board.engine
    assert record == {"firelane": VERSION, "board": board.name, "clock_hz": 75_000_000, "payload_bytes": PAYLOAD_BYTES}
    assert read_identity(said.to_bytes()) == said


def test_a_later_engine_is_read_as_far_as_it_is_known():
    said = Identity(board="x", clock_hz=1, engine=get_board("ulx3s_25f").engine)
    record = json.loads(said.to_bytes())
    record["engine"]["heads"] = 2
    assert read_identity(json.dumps(record).encode()) == said


@pytest.mark.parametrize("octets", [b"", b"{}", b"[]", b"\xff", b'{"board": "x", "engine": {"banks": 3}}'])
def test_what_is_no_identity(octets):
    with pytest.raises(ValueError, match="^no identity: "):
        read_identity(octets)
