"""Tables for the terminal whose texts are printed as they are.

`rich` reads [brackets] and :names: in a string as markup; names of layers, files and classes may have both. What shall
have a style is a `Text`.
"""

from __future__ import annotations

from typing import Any

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
