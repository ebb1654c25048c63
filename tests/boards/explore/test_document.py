"""docs/exploration.md is what its command writes: all of its text, and a row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from firelane.boards.explore.document import HEAD, SWEEPS, render

PAGE = Path(__file__).parents[3] / "docs" / "exploration.md"
AGAIN = "write it again: python -m firelane.boards.explore.document > docs/exploration.md"


@pytest.fixture
def page():
    return PAGE.read_text()


def test_a_row(page, tmp_path, monkeypatch):
    """v1.1, the network that takes the least work: a compiler that takes other cycles or bytes changes it, too."""
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))
    revised = replace(SWEEPS[3], values=("early",))
    [row] = [line for line in render(sweeps=[revised]).splitlines() if line.startswith("| early |")]
    assert row in page.splitlines(), AGAIN


@pytest.mark.parametrize("sweep", SWEEPS, ids=lambda sweep: sweep.title)
def test_text(page, sweep):
    assert page.startswith(HEAD), AGAIN
    section = page.partition(f"\n## {sweep.title}\n")[2].partition("\n## ")[0]
    text, *rows = section.split("\n| ")
    assert text.split() == sweep.text.split() and len(rows) == 1 + len(sweep.values), AGAIN
