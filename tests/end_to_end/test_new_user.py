"""The journey of a new user, with a small float network in place of torchvision's: every command, and nothing else.

The simulated board has the engine of other tests, whose build it shares.
"""

from __future__ import annotations

import json
from dataclasses import replace

import nbformat
import onnx
import pytest
from PIL import Image

from firelane.boards import get_board
from firelane.boards.board_template import write_board_file
from firelane.boards.simulated.build import build_board
from firelane.compiler.support.files import build_root
from firelane.models.made_images import made_images
from tests.boards.host.digits import CFG
from tests.boards.simulated.test_board_sim import DESIGN, PATIENCE_CYCLES
from tests.compiler.small_networks import SIDE, small_model, without_record
from tests.end_to_end.new_user import main
from tests.end_to_end.notebook import NOTEBOOK, run_notebook

SMALL_BOARD = """\
import numpy as np

import firelane

BOARD = "mine.toml"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the user is: a float network, photographs, and a board of his own."""
    monkeypatch.setenv("FIRELANE_BUILD", str(build_root().resolve()))
    onnx.save(without_record(small_model(density=0.9)), tmp_path / "net.onnx")
    (tmp_path / "photos").mkdir()
    for number, image in enumerate(made_images(12, (3, SIDE, SIDE), seed=5)):
        Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / "photos" / f"{number:03}.jpg")
    write_board_file("mine", replace(get_board("ulx3s_85f"), engine=CFG), tmp_path / "mine.toml")
    return tmp_path


def test_the_journey(folder, capsys):
    build_board(DESIGN)
    code = main([str(folder), "--model", "--board", "mine.toml", "--build=--workers=0", "--build=--effort=fast",
                 f"--board-sim=--patience={PATIENCE_CYCLES}"])
    said = capsys.readouterr()
    assert code == 0, said.err
    assert "[5/5] compile: " in said.out and "$ firelane run photos/000.jpg" in said.out
    assert json.loads((folder / "build" / "net" / "build.json").read_text())["steps"]["compile"]


def shown(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """What the cells of a notebook printed and returned."""
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_the_same_in_a_notebook(folder):
    """All cells but the export and the pictures, on a board that is fast to simulate."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    run_notebook(notebook, folder, {'BOARD = "ulx3s_85f"': SMALL_BOARD, "import torch": "",
                                    "from pathlib import Path": ""})
    tables = [output.data["text/html"] for output in shown(notebook) if "text/html" in output.get("data", {})]
    assert len(tables) == 4
    assert "[5/5] compile: " in "".join(output.text for output in shown(notebook) if output.output_type == "stream")


def test_the_record_is_of_the_notebook():
    """What `make journey` wrote: every cell that shows something has done so, and nothing went wrong."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert {output.output_type for output in shown(notebook)} <= {"stream", "execute_result"}
    assert "[5/5] compile: " in "".join(output.text for output in shown(notebook) if output.output_type == "stream")


def test_what_goes_wrong_is_told(tmp_path, capsys):
    assert main([str(tmp_path), "--model"]) == 1
    assert capsys.readouterr().err == "error: firelane build: exit code 2\n"
