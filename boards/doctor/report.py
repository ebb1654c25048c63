"""`firelane doctor`: what was found, as lines and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from firelane.boards.doctor.item import Item, Status
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.json_document import json_document
from firelane.compiler.support.plain_table import PlainTable

COLOURS = {Status.OK: "green", Status.MISSING: "bold red", Status.OPTIONAL: "yellow"}


def items_to_table(items: Sequence[Item]) -> PlainTable:
    """A line for each thing; what it is needed for and how to mend it, if it is not fine."""
    table = PlainTable(show_header=False, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for item in items:
        text = item.found if item.fine else f"{item.found} (for {item.purpose}); {item.fix}"
        table.add_row(Text(item.status, COLOURS[item.status]), Text(item.name), Text(text, overflow="fold"))
    return table


def items_to_json(items: Sequence[Item]) -> str:
    """The things: name, status, what it is needed for, what was found, and the fix or null."""
    return json_document("doctor", {"things": [
        {"name": item.name, "status": item.status, "needed_for": item.purpose, "found": item.found,
         "fix": None if item.fine else item.fix} for item in items]})


def require(items: Sequence[Item]) -> None:
    """Raises ConfigError, with their names, if things are missing that `make sim` needs."""
    missing = [item.name for item in items if item.status is Status.MISSING]
    if missing:
        raise ConfigError("this machine", f"`make sim` needs {', '.join(missing)}", hint="what to do is said above")
