"""Tables that are readable in a terminal of any width from 60 columns on.

Where a table is too wide, long names are shortened in the middle, to `READABLE` characters; then columns are left out
in an order that it states; then names are shortened further, and its text is wrapped.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.text import Text

from firelane.compiler.support.indented import Indented
from firelane.compiler.support.plain_table import PlainTable, plain

GAP = 3                 #: from a column to the next
READABLE, SHORTEST = 24, 12         #: characters that are left of a name: before columns go, and after that
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
    readable : int
        Characters that are left of a name before columns go.
    """

    heading: str
    names: bool = False
    text: bool = False
    drop: int = 0
    readable: int = READABLE


@dataclass(frozen=True)
class FittedTable:
    """A table for `rich`: rows of texts, a text for each column. A column without any text is left out.

    Parameters
    ----------
    title : str
        Above the table; none if it is empty.
    columns : sequence of Column
    rows : sequence of sequences of str or Text
    total : sequence of str or Text
        A row below a line; none if it is empty.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str | Text]]
    total: Sequence[str | Text] = ()

    @property
    def _all(self) -> list[Sequence[str | Text]]:
        return [*self.rows, *([self.total] if self.total else [])]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Indented | PlainTable]:
        kept = [number for number in range(len(self.columns)) if any(str(row[number]) for row in self._all)]
        while self._width(kept) > options.max_width and (goes := self._next_to_go(kept)) is not None:
            kept.remove(goes)
        if self.title:
            yield Indented(self.title, 0, style="bold")
        if kept:
            yield self._table(kept, self._lengths(kept, options.max_width))

    def _next_to_go(self, kept: Sequence[int]) -> int | None:
        free = [number for number in kept if self.columns[number].drop]
        return max(free, key=lambda number: self.columns[number].drop, default=None)

    def _width(self, kept: Sequence[int]) -> int:
        """The columns that the table needs, with names shortened and text wrapped as far as is readable."""
        return sum(self._needs(number) for number in kept) + GAP * (len(kept) - 1)

    def _needs(self, number: int) -> int:
        column = self.columns[number]
        most = column.readable if column.names else NARROWEST if column.text else sys.maxsize
        return min(self._widest(number), most)

    def _widest(self, number: int) -> int:
        return max(cell_len(str(text)) for text in (self.columns[number].heading, *(row[number] for row in self._all)))

    def _lengths(self, kept: Sequence[int], width: int) -> dict[int, int]:
        """How long names may be in each of their columns: the longest ones give way first."""
        found = {number: self._widest(number) for number in kept if self.columns[number].names}
        others = sum(self._needs(number) for number in kept if number not in found)
        for _ in range(sum(found.values()) + others + GAP * (len(kept) - 1) - width):
            longest = max(found, key=lambda number: found[number], default=None)
            if longest is None or found[longest] <= SHORTEST:
                break
            found[longest] -= 1
        return found

    def _table(self, kept: Sequence[int], lengths: Mapping[int, int]) -> PlainTable:
        table = PlainTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for number in kept:
            column = self.columns[number]
            table.add_column(column.heading, justify="left" if column.names or column.text else "right",
                             no_wrap=not column.text, overflow="fold")
        for row in self.rows:
            table.add_row(*(_cell(row[number], lengths.get(number)) for number in kept))
        if self.total:
            table.add_section()
            table.add_row(*(_cell(self.total[number], lengths.get(number)) for number in kept))
        return table


def _cell(cell: str | Text, length: int | None) -> Text:
    """The text, of at most that length if it is a name."""
    return plain(cell) if length is None else Text(shortened(str(cell), length))


def shortened(name: str, width: int) -> str:
    """A name of at most `width` characters: its middle is left out.

    >>> shortened("features/fire2/expand3x3", 15)
    'feature…pand3x3'
    """
    if len(name) <= width:
        return name
    end = (width - len(MORE)) // 2
    return name[:width - len(MORE) - end] + MORE + (name[-end:] if end else "")
