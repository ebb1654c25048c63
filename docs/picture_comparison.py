"""Accuracy against latency of the networks of docs/comparison.md, as a small PNG: the last step of `make compare`.

    .venv/bin/python docs/picture_comparison.py FILE.png

What `python -m firelane.boards.comparison.run` found is kept, so this takes seconds after it. Without Chromium and its
driver (Debian: `apt install chromium chromium-driver`) it leaves the picture as it is, and says so.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from picture_report import BROWSERS, DRIVER, opened, picture, small

from firelane.boards.comparison.cost import TAPS, compare, questions
from firelane.report.figures.comparison import accuracy_against_latency
from firelane.report.page.document import Document, Plot, Section
from firelane.report.write import write_document

PLOT, WIDTH = "accuracy-latency", 900


def main(file: Path) -> None:
    if not (any(map(shutil.which, BROWSERS)) and shutil.which(DRIVER)):
        print(f"{file} is left as it is: no Chromium with its driver (apt install chromium chromium-driver)")
        return
    plot = Plot(PLOT, "Accuracy against latency, two taps a cycle, 100 MHz",
                "Hollow: dense; filled: pruned alike; diamonds: with Deep Compression's zeros.",
                accuracy_against_latency(compare(list(questions())), TAPS[-1]))
    document = Document("Comparison", "", (), (), (Section(f"{PLOT}-section", "Comparison", "", (plot,)),))
    with tempfile.TemporaryDirectory() as folder:
        page = write_document(document, Path(folder) / "comparison.html")
        with opened(page, WIDTH, dark=False) as driver:
            file.write_bytes(small(picture(driver, PLOT, WIDTH)))
    print(f"written: {file}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
