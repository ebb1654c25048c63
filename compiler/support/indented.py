"""A paragraph that is indented, without blanks at the ends of its lines: a file or a clipboard would have them, too."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions
from rich.text import Text


class Indented:
    """A text in the columns that there are, so many of them left free."""

    def __init__(self, text: str, columns: int):
        self._text, self._columns = text, columns

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        width = max(options.max_width - self._columns, 1)
        for line in Text(self._text).wrap(console, width):
            line.rstrip()
            yield Text(" " * self._columns + line.plain, no_wrap=True, overflow="ignore")
