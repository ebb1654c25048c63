"""What a build uses of a device, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.text import Text

from firelane.compiler.support.fitted_table import Column, FittedTable

COLUMNS = (Column("", names=True), Column("used"), Column("of"), Column("share"))


def usage_table(title: str, resources: Mapping[str, tuple[int, int]],
                more: Iterable[Sequence[str | Text]] = ()) -> FittedTable:
    """Used and available by name, and further rows."""
    return FittedTable(title, COLUMNS, [*(_row(*line) for line in resources.items()), *more])


def _row(word: str, counts: tuple[int, int]) -> tuple[str | Text, ...]:
    used, available = counts
    return word, f"{used:,}", f"{available:,}", Text(f"{used / available:.0%}", "" if used <= available else "bold red")
