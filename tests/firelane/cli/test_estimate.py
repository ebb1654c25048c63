"""`firelane estimate`: what is printed, in a pipe too, and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

import onnx

from firelane.cli.main import main
from firelane.models.catalogue import EMBEDDED
from tests.compiler.small_networks import small_model


def test_the_answer_comes_first(capsys):
    assert main(["estimate", "digits", "--board", "ulx3s_25f"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == ("fits ulx3s_25f at 48.4 frames/s end"
                                                        " to end (limited by the line; the engine alone: 698.9)")


def test_in_a_pipe():
    done = subprocess.run([sys.executable, "-m", "firelane", "estimate", "digits"], capture_output=True, check=True,
                          text=True)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("fits ecpix5_85f at ") and "Layers on ecpix5_85f" in done.stdout
    assert all(len(line) <= 120 for line in lines) and "\x1b" not in done.stdout


def test_a_command_with_a_long_path_is_whole(tmp_path, capsys, monkeypatch):
    """It is wider than the terminal, and to be copied."""
    monkeypatch.setenv("COLUMNS", "60")
    network, board = tmp_path / f"{'long' * 20}.onnx", tmp_path / "small.toml"
    network.write_bytes(EMBEDDED["digits"].read_bytes())
    assert main(["new-board", "small", "--from", "ulx3s_85f", "-o", str(board)]) == 0
    board.write_text(board.read_text().replace("weight_words = 67584", "weight_words = 3000"))
    assert main(["estimate", str(network), "--board", str(board)]) == 0
    assert f"firelane compress {network} \\\n" in capsys.readouterr().out


def test_json(capsys):
    assert main(["estimate", "digits", "--board", "ulx3s_25f", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["boards"][0]["fits"]


def test_what_must_be_changed(tmp_path, capsys):
    model = small_model()
    model.graph.node[1].op_type = "Tanh"
    onnx.save(model, tmp_path / "net.onnx")
    assert main(["estimate", str(tmp_path / "net.onnx")]) == 2
    said = capsys.readouterr().out
    assert said.startswith("not as it is: 1 thing to change in the network\n") and "in PyTorch: nn" in said


def test_what_does_not_fit_is_an_answer(capsys):
    assert main(["estimate", "digits", "--board", "ulx3s_12f"]) == 0
    assert capsys.readouterr().out.startswith("does not fit ulx3s_12f: ")


def test_a_file_that_is_not_there(capsys):
    assert main(["estimate", "none.onnx"]) == 2
    assert capsys.readouterr().err.startswith("error: none.onnx: ")


def test_density(capsys):
    assert main(["estimate", "digits", "--board", "ulx3s_25f", "--density", "0.1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["density"] == 0.1 and found["nonzero"] == round(0.1 * found["weights"])
    assert main(["estimate", "digits", "--density", "33"]) == 2
    assert "above 0 and at most 1" in capsys.readouterr().err
