"""boards.flow.crowding: which engines are annealed for room, and routed without ripping up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firelane.boards import get_board
from firelane.boards.chosen_engine import chosen_engine
from firelane.boards.flow.crowding import IN_STRIPS, SPREADING, wire_effort
from firelane.boards.flow.floorplan import FROM_ALL
from firelane.boards.place.anneal.annealing import THOROUGH


@pytest.mark.parametrize(("name", "taps", "search", "cooling", "ripup"), [
    ("ulx3s_85f", 1, FROM_ALL, THOROUGH, True), ("ulx3s_85f", 2, IN_STRIPS, SPREADING, True),
    ("ulx3s_45f", 2, FROM_ALL, THOROUGH, True), ("ulx3s_25f", 1, FROM_ALL, THOROUGH, False),
])
def test_effort_of_boards(name, taps, search, cooling, ripup):
    board = replace(get_board(name), engine=chosen_engine(name, taps_per_cycle=taps))
    effort = wire_effort(board)
    assert (effort.search, effort.cooling, effort.ripup) == (search, cooling, ripup)
