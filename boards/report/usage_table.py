"""The head of a table of what a build uses of a device."""

from __future__ import annotations

from firelane.compiler.support.plain_table import PlainTable


def usage_table(title: str) -> PlainTable:
    """A table without rows: what, used, of, share."""
    table = PlainTable("", title=title)
    for heading in ("used", "of", "share"):
        table.add_column(heading, justify="right")
    return table
