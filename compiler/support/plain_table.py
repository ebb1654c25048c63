"""Tables for the terminal whose texts are printed as they are.

`rich` reads [brackets] and :names: in a string as markup; names of layers, files and classes may have both. What shall
have a style is a `Text`. And it fills each line with blanks, which are in the way where a table is copied or in a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.table import Table
from rich.text import Text


def plain(text: str | Text, style: str = "") -> Text:
    """The text as it is, in a style; of its own if it is a `Text`."""
    return text if isinstance(text, Text) else Text(text, style=style)


class PlainTable(Table):
    """A `rich` table: strings given as title, caption, headings and cells are no markup."""

    def __init__(self, *headings: str, title: str = "", caption: str = "", **options: Any):
        super().__init__(*headings, title=plain(title, "table.title") if title else None,
                         caption=plain(caption, "table.caption") if caption else None, **options)

    def add_column(self, header: Any = "", *others: Any, **options: Any) -> None:
        """As `rich` has it."""
        super().add_column(plain(header), *others, **options)

    def add_row(self, *cells: Any, **options: Any) -> None:
        """As `rich` has it."""
        super().add_row(*map(plain, cells), **options)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        segments = (part for item in super().__rich_console__(console, options)
                    for part in ([item] if isinstance(item, Segment) else console.render(item, options)))
        for line in Segment.split_lines(segments):
            yield from _stripped(line)
            yield Segment.line()


def _stripped(line: Iterable[Segment]) -> list[Segment]:
    """The parts of a line up to its last character that is no blank."""
    kept = list(line)
    while kept and not kept[-1].text.strip():
        kept.pop()
    return [*kept[:-1], Segment(kept[-1].text.rstrip(), kept[-1].style)] if kept else []
