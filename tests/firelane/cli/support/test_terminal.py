"""What commands say beside their results, at terminals and elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from firelane.cli.support.terminal import goes_on, say, say_aside
from firelane.compiler.support.interrupts import Terminated
from firelane.compiler.support.progress import display

WARNING = "warning: 12 images are few, to work with and to tell what is lost; 50 at least, 100 or more are better"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, Terminated])
def test_what_is_interrupted_says_that_it_goes_on(stop, capsys):
    with pytest.raises(stop), goes_on():
        raise stop
    assert capsys.readouterr().err == "what is finished is kept: the same command goes on from there\n"


def test_what_ends_or_fails_does_not(capsys):
    with goes_on():
        pass
    with pytest.raises(ValueError), goes_on():
        raise ValueError
    assert capsys.readouterr().err == ""


def terminal(width: int) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=width)


@pytest.mark.parametrize("width", [60, 80])
def test_a_terminal_gets_lines_of_its_width(width):
    console = terminal(width)
    say(console)(f"{WARNING}\n\n   0.9 7")
    first, *more, empty, last = console.file.getvalue().splitlines()
    assert first.startswith("warning") and len(first) <= width and empty == "" and last == "   0.9 7"
    assert all(line.startswith("  ") and len(line) <= width for line in more)


def test_a_log_gets_lines_as_they_are():
    out = io.StringIO()
    say(Console(file=out, width=60))(WARNING)
    assert out.getvalue() == f"{WARNING}\n"


def test_what_is_said_while_a_bar_is_shown_stands_in_a_line_of_its_own():
    console = terminal(80)
    with display(console) as progress:
        progress("asking each port", 1, 4)
        say_aside("board: simulated at /dev/pts/3")
    assert "\x1b[2Kboard: simulated at /dev/pts/3\n" in console.file.getvalue()
