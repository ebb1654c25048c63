"""boards.flow.crowding: which engines are annealed for room, and routed without ripping up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firelane.boards import get_board
from firelane.boards.chosen_engine import chosen_engine
from firelane.boards.flow.crowding import SPREADING, wire_effort
from firelane.boards.place.anneal.annealing import THOROUGH


@pytest.mark.parametrize(("name", "taps", "cooling", "ripup"), [
    ("ulx3s_85f", 1, THOROUGH, True), ("ulx3s_85f", 2, SPREADING, False),
    ("ulx3s_45f", 2, THOROUGH, True), ("ulx3s_25f", 1, THOROUGH, False),
])
def test_effort_of_boards(name, taps, cooling, ripup):
    board = replace(get_board(name), engine=chosen_engine(name, taps_per_cycle=taps))
    effort = wire_effort(board)
    assert (effort.cooling, effort.ripup) == (cooling, ripup)
