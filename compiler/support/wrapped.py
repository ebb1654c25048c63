"""A line for a terminal of any width: what does not fit goes on below it, a little further in."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rich.console import Console, ConsoleOptions
from rich.text import Text

HANGING = "  "              #: before what goes on, besides what the line itself begins with


def wrapped(line: str, width: int) -> list[str]:
    """The line in pieces of at most `width` columns; no word is broken: paths, to be copied.

    >>> wrapped("  warning: 12 images are few", 18)
    ['  warning: 12', '    images are few']
    """
    text = line.lstrip(" ")
    margin = " " * (len(line) - len(text))
    return textwrap.wrap(text, width, initial_indent=margin, subsequent_indent=margin + HANGING,
                         break_long_words=False, break_on_hyphens=False) if len(line) > width else [line]


class Wrapped:
    """A line, printed with rich in the columns that there are."""

    def __init__(self, line: str):
        self._line = line

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for piece in wrapped(self._line, options.max_width):
            yield Text(piece, no_wrap=True, overflow="ignore")
