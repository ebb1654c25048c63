"""A command to be copied: where it is too long for the terminal, it goes on behind a backslash, as shells take it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions
from rich.text import Text

INDENT = "    "             #: of what goes on


def shell_lines(command: str, width: int) -> list[str]:
    r"""The command in lines of at most `width` columns, broken before options; no line is broken elsewhere.

    >>> shell_lines("firelane compress net.onnx --calib IMAGES --board ulx3s_85f", 40)
    ['firelane compress net.onnx \\', '    --calib IMAGES --board ulx3s_85f']
    """
    lines, line = [], ""
    first, *options = command.split(" -")
    for part in (first, *(f"-{option}" for option in options)):
        joined = f"{line} {part}" if line else part
        if line.strip() and len(joined) + len(" \\") > width:
            lines.append(f"{line} \\")
            joined = INDENT + part
        line = joined
    return [*lines, line]


class ShellLine:
    """A command, printed with rich in the columns that there are, so many of them left free, but for a label.

    Nothing follows a backslash: behind one a blank would end the command.
    """

    def __init__(self, command: str, columns: int = 0, label: str = ""):
        self._command, self._columns, self._label = command, columns, label

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for number, line in enumerate(shell_lines(self._command, options.max_width - self._columns)):
            before = (self._label if number == 0 else "").ljust(self._columns)
            yield Text(before + line, no_wrap=True, overflow="ignore")
