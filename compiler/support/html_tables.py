"""Small pieces of HTML for notebooks: facts and tables in the colours of the page, be it light or dark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

_LINE = "1px solid color-mix(in srgb, currentColor 25%, transparent)"
_CELL = "padding:0.15em 0.8em 0.15em 0"
SHOWN_ROWS = 60             #: of a table; what is left out is said


@dataclass(frozen=True)
class HtmlTable:
    """A table of texts and numbers; numbers are printed with separators and stand at the right."""

    headings: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""

    def __str__(self) -> str:
        right = [all(_is_number(row[column]) for row in self.rows) for column in range(len(self.headings))]
        head = "".join(_cell("th", name, at_right, f";border-bottom:{_LINE}")
                       for name, at_right in zip(self.headings, right))
        body = "".join(f"<tr>{''.join(_cell('td', value, at_right) for value, at_right in zip(row, right))}</tr>"
                       for row in self.rows[:SHOWN_ROWS])
        more = len(self.rows) - SHOWN_ROWS
        left_out = f"<div>and {more} more</div>" if more > 0 else ""
        caption = f"<caption style='caption-side:top;text-align:left'>{escape(self.caption)}</caption>"
        return (f"<table style='border-collapse:collapse;margin:0.4em 0'>{caption if self.caption else ''}"
                f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{left_out}")


def html_block(title: str, facts: Mapping[str, object], tables: Iterable[HtmlTable] = ()) -> str:
    """A title, facts that are known (None and empty texts are left out), and tables that have rows."""
    lines = "".join(f"<tr>{_cell('th', name, False)}{_cell('td', value, False)}</tr>"
                    for name, value in facts.items() if value is not None and value != "")
    shown = "".join(str(table) for table in tables if table.rows)
    return (f"<div style='overflow-x:auto'><b>{escape(title)}</b>"
            f"<table style='border-collapse:collapse;margin:0.2em 0'><tbody>{lines}</tbody></table>{shown}</div>")


def _cell(tag: str, value: object, right: bool, more: str = "") -> str:
    side = "right" if right else "left"
    return f"<{tag} style='text-align:{side};{_CELL}{more}'>{escape(_text(value))}</{tag}>"


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _text(value: object) -> str:
    """A value as it is read: numbers with separators, nothing for None."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"
    return str(value)
