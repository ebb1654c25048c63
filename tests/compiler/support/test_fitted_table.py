"""compiler.support.fitted_table: no line is too wide, columns go in their order, names keep both ends."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.text import Text

from firelane.compiler.support.fitted_table import SHORTEST, Column, FittedTable, shortened

COLUMNS = (Column("board", names=True), Column("frames"), Column("why", text=True), Column("first to go", drop=2),
           Column("then", drop=1), Column("nothing", drop=3))
REASON = "it is [too] small in every way that there is"
ROWS = [("a_board_with_a_long_name", "12.5", REASON, "123456789", "1234567", ""),
        ("other", "3.0", Text("fits", style="green"), "1", "2", "")]


def printed(width: int, columns=COLUMNS, rows=ROWS) -> list[str]:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(FittedTable("Boards", columns, rows))
    return console.export_text().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_line_is_wider(width):
    assert all(len(line) <= width for line in printed(width))


def test_columns_go_in_their_order():
    heads = {width: next(line for line in printed(width) if "frames" in line).split() for width in (120, 80, 75, 62)}
    assert "first" in heads[120] and "then" in heads[120] and "nothing" not in heads[120]
    assert "first" not in heads[75] and "then" in heads[75]
    assert "then" not in heads[62] and heads[62] == ["board", "frames", "why"]


def test_names_are_shortened_last():
    assert "a_board_with_a_long_name" in "\n".join(printed(62))
    text = "\n".join(printed(50))
    assert "a_board_with_a_long_name" not in text and "a_boar" in text and "_name" in text


def test_text_is_wrapped_and_not_read_as_markup():
    words = " ".join(line[24:] for line in printed(60)).split()
    assert {"[too]", "small", "way"} <= set(words)


def test_a_name_keeps_both_ends():
    assert shortened("features/fire2", 20) == "features/fire2"
    found = shortened("features/fire2/expand3x3", SHORTEST)
    assert len(found) == SHORTEST and found.startswith("featur") and found.endswith("nd3x3")
