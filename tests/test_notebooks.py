"""docs/notebooks: every cell runs, and none is kept with what it printed.

But for from_pytorch.ipynb, which takes PyTorch: `make journey` runs it and keeps what it printed, and
tests/end_to_end/test_new_user.py runs it with a small network.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "notebooks"
NOTEBOOKS = sorted({path.name for path in FOLDER.glob("*.ipynb")} - {"from_pytorch.ipynb"})
PATIENCE = 1 << 20          # a kernel that does not start is ended by nobody but pytest


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_cell_runs(name, tmp_path):
    """In a folder of its own, by the Python of this test; an exception in a cell is one here."""
    notebook = nbformat.read(FOLDER / name, as_version=4)
    client = NotebookClient(notebook, timeout=None, startup_timeout=PATIENCE, kernel_name="python3",
                            resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("text/html" in output.get("data", {}) for output in shown) >= 2
    assert not [output for output in shown if output.output_type == "error"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_is_kept_without_outputs(name):
    notebook = nbformat.read(FOLDER / name, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.execution_count is None and cell.outputs == []
            assert max(map(len, cell.source.splitlines())) <= 120


def test_there_are_two():
    assert NOTEBOOKS == ["inside_the_engine.ipynb", "your_network.ipynb"]
