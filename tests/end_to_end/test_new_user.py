"""The journey of a new user, with a small float network in place of torchvision's: every command, and nothing else.

The simulated board has the engine of other tests, whose build it shares.
"""

from __future__ import annotations

import json
from dataclasses import replace

import onnx
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


def test_the_journey(tmp_path, monkeypatch, capsys):
    build_board(DESIGN)
    monkeypatch.setenv("FIRELANE_BUILD", str(build_root()))
    onnx.save(without_record(small_model(density=0.9)), tmp_path / "net.onnx")
    (tmp_path / "photos").mkdir()
    for number, image in enumerate(made_images(12, (3, SIDE, SIDE), seed=5)):
        Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / "photos" / f"{number:03}.jpg")
    board = get_board("ulx3s_85f")
    write_board_file("mine", replace(board, engine=CFG), tmp_path / "mine.toml")
    code = main([str(tmp_path), "--model", "--board", "mine.toml", "--build=--workers=0", "--build=--effort=fast",
                 f"--board-sim=--patience={PATIENCE_CYCLES}"])
    said = capsys.readouterr()
    assert code == 0, said.err
    assert "[5/5] compile: " in said.out and "$ firelane run photos/000.jpg" in said.out
    assert json.loads((tmp_path / "build" / "net" / "build.json").read_text())["steps"]["compile"]


def test_what_goes_wrong_is_told(tmp_path, capsys):
    assert main([str(tmp_path), "--model"]) == 1
    assert capsys.readouterr().err == "error: firelane build: exit code 2\n"
