"""The journey of a new user once more, in a notebook: docs/notebooks/from_pytorch.ipynb, kept with what it printed.

    python -m tests.end_to_end.notebook build/journey_notebook              what `make journey` runs

PyTorch is in an environment of its own, as for `tests.end_to_end.new_user`; a first cell, which is not kept, says
where.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from firelane.compiler.support.files import build_root
from tests.end_to_end.new_user import EXTRA
from tests.exporters.environment import ROOT, python_of

NOTEBOOK = ROOT / "docs" / "notebooks" / "from_pytorch.ipynb"
PATIENCE = 1 << 20          # a kernel that does not start is ended by nobody but the user


def run_notebook(notebook: NotebookNode, folder: Path, replaced: Mapping[str, str], before: str = "") -> None:
    """Execute all cells of a notebook in a folder; what they print is in `notebook` then.

    Parameters
    ----------
    replaced : mapping
        The source of cells that are run with another: the line that they begin with, and what is run.
    before : str
        Run first, and not kept.

    Raises
    ------
    KeyError
        If no cell begins with a line of `replaced`.
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    own = {cell.id: cell.source for cell in notebook.cells}
    for line, source in replaced.items():
        found = [cell for cell in notebook.cells if cell.cell_type == "code" and line in cell.source.splitlines()]
        if not found:
            raise KeyError(line)
        found[0].source = source
    notebook.cells.insert(0, nbformat.v4.new_code_cell(before))
    try:
        NotebookClient(notebook, timeout=None, startup_timeout=PATIENCE, kernel_name="python3",
                       resources={"metadata": {"path": str(folder)}}).execute()
    finally:
        del notebook.cells[0]
        for cell in notebook.cells:
            cell.source = own[cell.id]
            cell.metadata.pop("execution", None)                        # times of this machine
    for number, cell in enumerate((one for one in notebook.cells if one.cell_type == "code"), 1):
        cell.execution_count, cell.outputs = number, _joined(cell.outputs)
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = number


def _joined(outputs: Iterable[NotebookNode]) -> list[NotebookNode]:
    """Outputs with what was printed line by line in one."""
    joined: list[NotebookNode] = []
    for output in outputs:
        if joined and output.output_type == joined[-1].output_type == "stream" and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def site_packages(python: Path) -> str:
    """Where the packages of another Python are."""
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(argv).folder
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["FIRELANE_BUILD"] = str(build_root().resolve())          # the kernel is in another folder
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    try:
        run_notebook(notebook, folder, {}, f"import sys\nsys.path.append({site_packages(python_of(EXTRA))!r})")
    except CellExecutionError as problem:
        print(f"error: {NOTEBOOK.name}: {problem}", file=sys.stderr)
        return 1
    nbformat.write(notebook, NOTEBOOK)
    print(f"written: {NOTEBOOK.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
