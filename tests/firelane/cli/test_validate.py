"""`firelane validate`: exit codes, and what is said."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from firelane.boards.top.identity import Identity
from firelane.cli.main import main
from firelane.compiler.artefact.reader import read_model
from firelane.models.drawn_digits import drawn_digits
from tests.boards.host.digits import CFG, compiled_folder, expected
from tests.boards.host.fake_board import FakeBoard, on_terminal


@pytest.mark.parametrize("wrong, code", [(0, 0), (1, 1)])
def test_exit_codes(tmp_path, monkeypatch, capsys, wrong, code):
    monkeypatch.chdir(tmp_path)
    folder = compiled_folder("digits", tmp_path / "digits")
    right = expected("digits", drawn_digits(1).images[0].transpose(2, 0, 1))
    board = FakeBoard(compute=lambda image: bytes([right[0] ^ wrong]) + right[1:], chunk=10,
                      digest=read_model(folder).digest, identity=Identity(board="fake", clock_hz=1000, engine=CFG))
    with on_terminal(board.answers) as path:
        assert main(["validate", str(folder), "digits", "--port", path, "--limit", "1"]) == code
    said = capsys.readouterr()
    assert json.loads((tmp_path / "build" / "validation.json").read_text())["passed"] == (code == 0)
    if code:
        assert said.out == "" and said.err.startswith("mismatch: the simulated fake: 0 of 1 image equal; ")
        assert said.err.endswith("; record: build/validation.json\n")
    else:
        assert "every value of 1 image equals the reference" in said.out
        assert said.out.endswith("written: build/validation.json\n")


def test_images_of_another_size(tmp_path, capsys):
    """What the error says is possible, is: --resize."""
    folder = compiled_folder("digits", tmp_path / "digits")
    large = np.zeros((80, 56), np.uint8)
    large[12:68] = drawn_digits(1).images[0][:, :, 0]
    Image.fromarray(large).save(tmp_path / "large.png")
    right = expected("digits", large[None, 12:68])
    board = FakeBoard(compute=lambda image: right, chunk=10, digest=read_model(folder).digest,
                      identity=Identity(board="fake", clock_hz=1000, engine=CFG))
    command = ["validate", str(folder), "digits", "--image", str(tmp_path / "large.png"), "-o",
               str(tmp_path / "r.json")]
    with on_terminal(board.answers) as path:
        assert main([*command, "--port", path]) == 2
        assert "56 x 80 pixels; the network wants 56 x 56; give --resize or --preset" in capsys.readouterr().err
        assert main([*command, "--port", path, "--resize", "56"]) == 0
    assert "every value of 1 image equals the reference" in capsys.readouterr().out
