"""Commands to be copied are broken as a shell takes them, and say the same words."""

from __future__ import annotations

import io
import shlex

import pytest
from rich.console import Console

from firelane.compiler.support.indented import Indented
from firelane.compiler.support.shell_line import ShellLine, shell_lines

COMMAND = "firelane compress a/long/path/net.onnx --calib IMAGES --board ulx3s_85f -o SMALLER.onnx"


@pytest.mark.parametrize("width", [10, 30, 60, 80, 120])
def test_a_shell_reads_the_same_words(width):
    lines = shell_lines(COMMAND, width)
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == shlex.split(COMMAND)
    assert all(line.endswith(" \\") for line in lines[:-1])
    if width >= 60:
        assert all(len(line) <= width for line in lines)
    assert len(shell_lines(COMMAND, len(COMMAND) + 2)) == 1


def test_nothing_follows_a_backslash():
    """Nor in a log of 10,000 columns anything at all."""
    for width in (60, 10_000):
        console = Console(width=width, file=io.StringIO())
        console.print(ShellLine(COMMAND, 4), Indented("what helps " * 12, 2))
        lines = console.file.getvalue().splitlines()
        assert lines == [line.rstrip() for line in lines] and all(len(line) <= width for line in lines)
        assert lines[0].startswith("    firelane") and lines[-1].startswith("  what")
        assert (len(lines) == 2) == (width > 60)


def test_it_is_printed_in_the_columns_that_there_are():
    console = Console(width=60, file=io.StringIO())
    console.print(ShellLine(COMMAND))
    assert console.file.getvalue().splitlines() == shell_lines(COMMAND, 60)
