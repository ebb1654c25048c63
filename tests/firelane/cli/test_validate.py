"""`firelane validate`: exit codes, and what is said."""

from __future__ import annotations

import json

import pytest

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
