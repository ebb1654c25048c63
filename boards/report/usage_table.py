"""The head of a table of what a build uses of a device."""

from __future__ import annotations

from rich.table import Table


def usage_table(title: str) -> Table:
    """A table without rows: what, used, of, share."""
    table = Table("", title=title)
    for heading in ("used", "of", "share"):
        table.add_column(heading, justify="right")
    return table
