"""docs/comparison.md, written again: `python -m firelane.boards.comparison.run docs/comparison.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from firelane.boards.comparison.cost import compare, questions
from firelane.boards.comparison.document import render
from firelane.compiler.support.files import write_file

EXPLORATION = "exploration.md"      #: beside the page


def main(page: Path) -> None:
    """Compare everything, and write the page."""
    def told(stage: str, done: float, total: float | None) -> None:
        print(f"{stage}: {done} of {total}", end="\n" if done == total else "\r", file=sys.stderr, flush=True)
    found = compare(list(questions()), told)
    write_file(page, render(found, (page.parent / EXPLORATION).read_text()).encode(), "PAGE")
    print(f"written: {page}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
