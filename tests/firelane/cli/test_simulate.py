"""`firelane simulate` as a user meets it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from firelane.cli.main import main
from firelane.sim.judge import trial


@pytest.fixture
def run(capsys):
    """Runs the command; gives its exit code and what it printed, errors last."""
    def command(*arguments) -> tuple[int, str]:
        code = main(["simulate", *(str(argument) for argument in arguments)])
        printed = capsys.readouterr()
        return code, printed.out + printed.err
    return command


def test_drawn_digits(run):
    code, output = run("--limit", 3)
    assert code == 0, output
    assert "30 of 30 values of 3 frames equal the reference" in " ".join(output.split())
    for words in ("whole frame", "accuracy", "image in", "result out", "multiplier use", "cycles/s"):
        assert words in output


def test_one_image_file(run, tmp_path):
    path = tmp_path / "five.png"
    Image.fromarray(np.full((56, 56), 77, np.uint8)).save(path)
    code, output = run("--image", path)
    assert code == 0, output
    assert "accuracy" not in output


@pytest.mark.parametrize(("arguments", "message"), [
    (["no.onnx"], "no.onnx: No such file"), (["--image", "no.png"], "no.png"), (["--banks", 3], "banks must be"),
    (["yolo"], "yolo: no such network; a file, or one of digits, digits-bypass, squeezenet1.0, "),
    (["--input-size", 64], "digits has one size only"), (["--labels", "no.txt"], "no.txt"),
    (["--board", "toaster"], "unknown board"), (["--limit", 9999], "there are 360 drawn digits"),
])
def test_user_errors_are_one_line(run, arguments, message):
    code, output = run(*arguments)
    assert code == 2
    last = output.strip().splitlines()[-1]
    assert last.startswith("error: ") and message in last
    assert "Traceback" not in output


def test_image_of_another_size(run, tmp_path):
    path = tmp_path / "small.png"
    Image.new("L", (8, 9)).save(path)
    code, output = run("--image", path)
    assert code == 2
    assert "8 x 9" in output and "56 x 56" in output


def test_a_difference_is_found_and_named(run, monkeypatch):
    """The reference is made to disagree in one value: exit code 1, and the search for the place takes place."""
    honest = trial.Trial.expected

    def disagree(self, images):
        first, second, *others = honest(self, images)
        return [first, bytes([second[0] ^ 1]) + second[1:], *others]
    monkeypatch.setattr(trial.Trial, "expected", disagree)
    code, output = run("--limit", 3)
    assert code == 1
    assert "1 of 3 frames differ" in output
    assert "mismatch: frame 1 is right when it is simulated alone" in output
