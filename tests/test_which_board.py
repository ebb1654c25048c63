"""docs/which_board.md: engines, clocks and frames of digits are those of the boards as they are."""

from __future__ import annotations

import re
from pathlib import Path

import firelane
from firelane.boards import get_board

PAGE = Path(__file__).resolve().parent.parent / "docs" / "which_board.md"
ROW = re.compile(r"^\| (?P<boards>`[^|]*`) \| (?P<multipliers>\d+)[^,|]*, (?P<mhz>[\d.]+) MHz \|[^|]*\| "
                 r"(?P<frames>[\d ]+?)(?: frames/s)? \|", re.MULTILINE)


def test_the_table_is_that_of_the_boards():
    rows = {name: row for row in ROW.finditer(PAGE.read_text()) for name in re.findall(r"`([^`]+)`", row["boards"])}
    fits = {fit.board: fit for fit in firelane.fit("digits", *rows)}
    assert {name for name, fit in fits.items() if fit.frames_per_second} == set(rows) and len(rows) >= 8
    for name, row in rows.items():
        board = get_board(name)
        assert (int(row["multipliers"]), float(row["mhz"])) == (board.engine.lanes, board.clock_hz / 1e6), name
        assert int(row["frames"].replace(" ", "")) == round(fits[name].frames_per_second), name
