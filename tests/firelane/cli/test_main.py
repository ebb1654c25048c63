"""The `firelane` command: exit codes, one line for what the user can mend."""

import re
from pathlib import Path

import pytest

from firelane.boards import get_board
from firelane.cli.main import main

DIGITS = Path(__file__).parents[3] / "models" / "digits_squeezenet.onnx"


def test_compile_writes_and_reports(tmp_path, capsys):
    assert main(["compile", str(DIGITS), "--board", "ulx3s_85f", "-o", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    assert "What fits" in text and f"frames/s at {get_board('ulx3s_85f').clock_hz / 1e6:g} MHz" in text
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["manifest.json", "program.bin", "rom",
                                                                         "schedule.txt"]


@pytest.mark.parametrize("options, message", [
    (["--banks", "3"], r"error: --banks: banks must be 1, 2, 4, 8 or 16, not 3\n"),
    (["--activation-words", "8"],
     r"error: --activation-words: activation_words must be an integer from 16 to 4096, not 8\n"),
    (["--board", "nexys"], r"error: --board: unknown board 'nexys'; one of .*\n"),
    (["--banks", "1", "--activation-words", "100"],
     r"error: node 'conv1': rows of 27 pixels, the engine has 14 lanes; banks=2 or a smaller input is needed\n"
     r"  also: node 'pool1': rows of 25 pixels, .*\n"),
])
def test_errors_of_the_user(tmp_path, capsys, options, message):
    assert main(["compile", str(DIGITS), "-o", str(tmp_path / "out"), *options]) == 2
    assert re.fullmatch(message, capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_model(tmp_path, capsys):
    assert main(["compile", str(tmp_path / "no.onnx")]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_usage(capsys):
    assert main(["compile"]) == 2
    assert "Missing argument 'MODEL'" in capsys.readouterr().err
    assert main(["--help"]) == 0
