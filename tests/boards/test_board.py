"""boards.board: a board with another engine than its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firelane.boards import get_board

BOARD = replace(get_board("ulx3s_85f"), clock_hz=100e6, two_tap_clock_hz=80e6)
ONE, TWO = (replace(BOARD.engine, taps_per_cycle=taps) for taps in (1, 2))


@pytest.mark.parametrize(("board", "engine", "asked", "clock"), [
    (BOARD, ONE, None, 100e6), (BOARD, TWO, None, 80e6), (BOARD, TWO, 60e6, 60e6), (BOARD, ONE, 60e6, 60e6),
    (replace(BOARD, two_tap_clock_hz=None), TWO, None, 100e6),          # never routed: its own is all there is
    (replace(BOARD, engine=TWO, clock_hz=90e6), TWO, None, 90e6),       # its own engine has its own clock
    (replace(BOARD, engine=TWO, clock_hz=90e6), ONE, None, 90e6),
])
def test_the_clock_of_another_engine(board, engine, asked, clock):
    other = board.with_engine(engine, asked)
    assert (other.engine, other.clock_hz, other.name) == (engine, clock, board.name)
