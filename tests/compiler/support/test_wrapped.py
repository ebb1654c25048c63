"""Lines in a terminal of any width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from firelane.compiler.support.wrapped import Wrapped, wrapped

LINE = "  digits/000_7.png: 7 0.9652, 1 0.004712, 3 0.00435 (107,158 cycles, 1.43 ms; transfer 1395 ms)"


@pytest.mark.parametrize("width", [30, 60, 80, 120])
def test_all_words_are_there_and_none_is_broken(width):
    pieces = wrapped(LINE, width)
    assert " ".join(pieces).split() == LINE.split() and max(map(len, pieces)) <= width
    assert all(piece.startswith("    ") for piece in pieces[1:]) and (len(pieces) == 1) == (len(LINE) <= width)


def test_a_path_stays_whole():
    path = "/a/folder-with/" + "long" * 20
    assert wrapped(f"written: {path}", 60) == ["written:", f"  {path}"]


def test_it_prints_nothing_but_the_line():
    out = io.StringIO()
    Console(file=out, force_terminal=True, width=60).print(Wrapped("[red]a:joy:[/red]"))
    assert out.getvalue() == "[red]a:joy:[/red]\n"
