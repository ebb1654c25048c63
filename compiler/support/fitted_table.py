"""Tables that are readable in a terminal of any width from 60 columns on.

Where a table is too wide, columns are left out in an order that it states; then names are shortened in the middle; then
its text is wrapped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.text import Text

from firelane.compiler.support.plain_table import PlainTable, plain

GAP = 3                 #: from a column to the next
SHORTEST = 12           #: characters that are left of a name
NARROWEST = 24          #: columns in which text is wrapped
MORE = "…"


@dataclass(frozen=True)
class Column:
    """A column: of figures, to the right, if it is neither names nor text.

    Parameters
    ----------
    heading : str
    names : bool
        Shortened in the middle where there is no room.
    text : bool
        Wrapped where there is no room.
    drop : int
        0: always there; else what has the largest number goes first.
    """

    heading: str
    names: bool = False
    text: bool = False
    drop: int = 0


@dataclass(frozen=True)
class FittedTable:
    """A table for `rich`: rows of texts, a text for each column. A column without any text is left out."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str | Text]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text | PlainTable]:
        kept = [number for number in range(len(self.columns)) if any(str(row[number]) for row in self.rows)]
        while self._width(kept) > options.max_width and (goes := self._next_to_go(kept)) is not None:
            kept.remove(goes)
        yield Text(self.title, style="bold")
        yield self._table(kept, self._width(kept) - options.max_width)

    def _next_to_go(self, kept: Sequence[int]) -> int | None:
        free = [number for number in kept if self.columns[number].drop]
        return max(free, key=lambda number: self.columns[number].drop, default=None)

    def _width(self, kept: Sequence[int]) -> int:
        """The columns that the table needs, with text wrapped to the narrowest."""
        return sum(self._needs(number) for number in kept) + GAP * (len(kept) - 1)

    def _needs(self, number: int) -> int:
        column = self.columns[number]
        widest = max([cell_len(column.heading), *(cell_len(str(row[number])) for row in self.rows)])
        return min(widest, NARROWEST) if column.text else widest

    def _table(self, kept: Sequence[int], excess: int) -> PlainTable:
        table = PlainTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for number in kept:
            column = self.columns[number]
            table.add_column(column.heading, justify="left" if column.names or column.text else "right",
                             no_wrap=not column.text, overflow="fold")
        for row in self.rows:
            table.add_row(*(self._cell(row[number], number, excess) for number in kept))
        return table

    def _cell(self, cell: str | Text, number: int, excess: int) -> Text:
        if self.columns[number].names and excess > 0:
            return Text(shortened(str(cell), max(self._needs(number) - excess, SHORTEST)))
        return plain(cell)


def shortened(name: str, width: int) -> str:
    """A name of at most `width` characters: its middle is left out.

    >>> shortened("features/fire2/expand3x3", 15)
    'feature…pand3x3'
    """
    if len(name) <= width:
        return name
    end = (width - len(MORE)) // 2
    return name[:width - len(MORE) - end] + MORE + (name[-end:] if end else "")
