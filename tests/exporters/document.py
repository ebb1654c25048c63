"""The matrix in docs/models.md, between two marks; what stands around it is written by hand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.exporters.environment import ROOT
from tests.exporters.judge import SHARE
from tests.exporters.matrix import Row, Table

PATH = ROOT / "docs" / "models.md"
BEGIN, END = "<!-- begin: written by make exporters -->", "<!-- end: written by make exporters -->"
HEAD = f"""*Right*: every layer is at most one step (LSB) from ONNX Runtime on the same inputs, and the results
of the integer reference for six random images differ from those that the tool itself computed by at
most {SHARE:.0%} of their spread (root of the mean square of the difference, standard deviation of the
tool's results). The quantization of a float network is in that; so is the tool's own where it
quantized, where single steps of a layer are carried on by those behind it. *Refused*: with the line
that is printed. *No export*: the tool itself writes no graph, with its own error.
"""


def render(tables: Sequence[Table]) -> str:
    """What stands between the marks."""
    return "\n".join([HEAD, _totals(tables), *(_table(table) for table in tables)])


def _totals(tables: Sequence[Table]) -> str:
    counts = Counter(row.outcome for table in tables for row in table.rows)
    return f"Of {counts.total()} graphs: " + ", ".join(f"{counts[name]} {name}" for name in
                                                       ("right", "refused", "no export", "wrong", "traceback")) + ".\n"


def _table(table: Table) -> str:
    lines = [f"### {table.name} {table.version}".rstrip(), ""]
    if table.error:
        lines += [f"It {table.error}", ""] if not table.rows else [f"{table.error}", ""]
    if table.rows:
        lines += ["| graph | opset | operators | result |", "|---|---|---|---|", *map(_line, table.rows), ""]
    return "\n".join(lines)


def _line(row: Row) -> str:
    result = f"right: {row.said}" if row.outcome == "right" else f"**{row.outcome}**: {row.said}"
    cells = (row.variant, str(row.opset or ""), row.operators, result)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def write(tables: Sequence[Table], path: Path) -> None:
    """Replace the matrix in the document."""
    text = path.read_text()
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    assert pattern.search(text), f"{path} has no place for the matrix"
    path.write_text(pattern.sub(lambda _: f"{BEGIN}\n{render(tables)}{END}", text))
