"""`make exporters`: run the tools, judge their graphs, write the matrix of docs/models.md.

Exit code 1 if a graph is wrong or ends in a traceback, or one that is expected to be right is refused. Tools that
cannot be installed are said so, and are no failure. `ONLY` names tools that are run again; the others keep their rows.
"""

from __future__ import annotations

import sys

from tests.exporters import document
from tests.exporters.matrix import TOOLS, keep, known, measure


def main(only: list[str]) -> int:
    """Run `only`, or all if it is empty; the exit code."""
    unknown = [name for name in only if name not in TOOLS]
    if unknown:
        print(f"error: ONLY: {unknown[0]}; there are {', '.join(TOOLS)}", file=sys.stderr)
        return 2
    for tool in only or TOOLS:
        keep(tool, measure(tool, lambda text: print(text, flush=True)))
    tables = known()
    document.write(tables, document.PATH)
    alarming = [(table.name, row) for table in tables for row in table.rows if row.alarming]
    for name, row in alarming:
        print(f"{row.outcome}, expected {row.expect}: {name}: {row.variant}: {row.said}")
    for table in tables:
        if table.error:
            print(f"{table.name}: {table.error}")
    print(f"written: {document.PATH.name}, {sum(len(table.rows) for table in tables)} graphs")
    return 1 if alarming else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
