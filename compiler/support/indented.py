"""A paragraph that is indented, without blanks at the ends of its lines: a file or a clipboard would have them, too."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rich.console import Console, ConsoleOptions
from rich.text import Text


class Indented:
    """A text in the columns that there are, so many of them left free; in the first line a label is in these.

    A word that is longer than a line is broken, unless words stay `whole`: paths, to be copied.
    """

    def __init__(self, text: str, columns: int, label: str = "", style: str = "", *, whole: bool = False):
        self._text, self._columns, self._label, self._style = text, columns, label, style
        self._whole = whole

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        width = max(options.max_width - self._columns, 1)
        lines = (textwrap.wrap(self._text, width, break_long_words=False, break_on_hyphens=False) if self._whole
                 else [line.plain.rstrip() for line in Text(self._text).wrap(console, width)])
        for number, line in enumerate(lines):
            before = (self._label if number == 0 else "").ljust(self._columns)
            yield Text(before + line, self._style, no_wrap=True, overflow="ignore")
