"""The command behind `make exporters`: what is judged how, what fails it, what is written."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.exporters import __main__ as command
from tests.exporters import document, environment, matrix
from tests.exporters.float_networks import POOLED, classifier
from tests.exporters.from_onnxruntime import quantized
from tests.exporters.judge import judge
from tests.exporters.matrix import Row, Table
from tests.exporters.recipe import Made, in_one_line, save

RIGHT = Row("plain", "right", "right", "results 0.1% from the tool's", 13, "Conv, Relu")


@pytest.fixture(scope="module")
def made() -> Made:
    return quantized(classifier(*POOLED, ("Gemm", {})), per_channel=True)


def test_results_of_another_network_are_wrong(made, tmp_path):
    """The tool's outputs count, not only ONNX Runtime's opinion of its graph."""
    save(made, tmp_path)
    assert judge(made, tmp_path / "model.onnx").outcome == "right"
    other = replace(made, outputs=np.roll(made.outputs, 1, axis=1))
    verdict = judge(other, tmp_path / "model.onnx")
    assert verdict.outcome == "wrong" and verdict.said.endswith("% from the tool's, at most 5% are possible")
    assert judge(replace(made, outputs=made.outputs[:, :9]), tmp_path / "model.onnx").said == "10 results for 9"


def test_a_fault_of_ours_is_no_refusal(made, tmp_path, monkeypatch):
    """A layer that differs from ONNX Runtime ends the commands with an error, too."""
    save(made, tmp_path)
    monkeypatch.setattr("firelane.sim.validate.LAYER_LSB", -1)
    verdict = judge(made, tmp_path / "model.onnx")
    assert verdict.outcome == "wrong" and "differs from ONNX Runtime by" in verdict.said


def test_a_traceback_is_no_refusal(made, tmp_path, monkeypatch):
    save(made, tmp_path)
    monkeypatch.setattr("tests.exporters.judge.validate", lambda *arguments: 1 / 0)
    assert judge(made, tmp_path / "model.onnx").outcome == "traceback"


def test_a_refusal_is_one_line_without_the_path(made, tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"nonsense")
    verdict = judge(made, tmp_path / "model.onnx")
    assert verdict.outcome == "refused" and verdict.said.startswith("model.onnx: ") and "\n" not in verdict.said


@pytest.mark.parametrize("expect, outcome, alarming", [
    ("right", "right", False), ("right", "refused", True), ("right", "no export", True), ("right", "wrong", True),
    ("refused", "refused", False), ("refused", "right", False), ("refused", "traceback", True),
    ("refused", "wrong", True), ("no export", "no export", False)])
def test_what_fails_the_command(expect, outcome, alarming):
    assert Row("", expect, outcome, "").alarming == alarming


def test_a_tools_error_is_one_line():
    error = RuntimeError("\x1b[31mno kernel\x1b[0m at /usr/lib/x/y.py:3 <object at 0x7f00>\nand more")
    assert in_one_line(error) == "RuntimeError: no kernel at  <object>"


GRAPHS = """
from tests.exporters.float_networks import classifier, images
from tests.exporters.recipe import Made, Recipe, hand_over
def broken():
    print("noise")
    raise ValueError("no such operator")
hand_over("Tool", "1.0", [Recipe("plain", lambda: Made(classifier(), images(), images())),
                          Recipe("broken", broken, "refused")])
"""


def test_a_file_of_graphs_tells_of_each(tmp_path):
    """Whatever the tool prints does not disturb the lines."""
    done = subprocess.run([sys.executable, "-c", GRAPHS, str(tmp_path)], cwd=environment.ROOT, capture_output=True,
                          text=True, check=True)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert said[0] == {"name": "Tool", "version": "1.0", "count": 2}
    assert [(line["variant"], bool(line["folder"]), line["error"]) for line in said[1:]] == [
        ("plain", True, ""), ("broken", False, "ValueError: no such operator")]
    assert "noise" in done.stderr and (tmp_path / "00" / "model.onnx").exists()


def test_the_document_keeps_what_stands_around_the_matrix(tmp_path):
    path = tmp_path / "models.md"
    path.write_text(f"# Before\n{document.BEGIN}\nold\n{document.END}\nafter\n")
    document.write([Table("Tool", "1.0", (RIGHT, Row("a | b", "refused", "refused", "x: no"))),
                    Table("Other", "", error="cannot be installed: no wheel")], path)
    text = path.read_text()
    assert text.startswith("# Before\n") and text.endswith(f"{document.END}\nafter\n") and "old" not in text
    assert "| plain | 13 | Conv, Relu | right: results 0.1% from the tool's |\n" in text
    assert "| a \\| b |  |  | **refused**: x: no |\n" in text and "It cannot be installed: no wheel\n" in text
    assert "Of 2 graphs: 1 right, 1 refused, 0 no export, 0 wrong, 0 traceback.\n" in text


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Two tools whose tables are given; results and document are in a folder of the test's."""
    tables = {"one": Table("One", "1", (RIGHT,)), "two": Table("Two", "2", (RIGHT,))}
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path))
    for module in (matrix, command):
        monkeypatch.setattr(module, "TOOLS", dict.fromkeys(tables))
    monkeypatch.setattr(command, "measure", lambda tool, notify: tables[tool])
    monkeypatch.setattr(document, "PATH", tmp_path / "models.md")
    document.PATH.write_text(document.BEGIN + document.END)
    return tables


def test_exit_codes(tools, capsys):
    assert command.main([]) == 0 and "### One 1\n" in document.PATH.read_text()
    tools["two"] = Table("Two", "3", (replace(RIGHT, outcome="wrong"),))
    assert command.main(["two"]) == 1                                # the other keeps its rows
    text = document.PATH.read_text()
    assert "### One 1\n" in text and "### Two 3\n" in text
    assert "wrong, expected right: Two: plain: " in capsys.readouterr().out
    tools["two"] = Table("two", "", error="cannot be installed: no wheel")
    assert command.main(["two"]) == 0
    assert command.main(["three"]) == 2 and "ONLY: three; there are one, two" in capsys.readouterr().err


def test_a_tool_that_cannot_be_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path))

    def fail(extra: str | None) -> Path:
        raise environment.InstallationError("no matching distribution")

    monkeypatch.setattr(matrix, "python_of", fail)
    assert matrix.measure("brevitas", lambda text: None).error == "cannot be installed: no matching distribution"


def test_every_tool_has_its_file_and_its_extra():
    folder = Path(matrix.__file__).parent
    assert {path.stem.removeprefix("from_") for path in folder.glob("from_*.py")} == set(matrix.TOOLS)
    for extra in {extra for extra in matrix.TOOLS.values() if extra is not environment.PROJECT}:
        assert environment.requirements_of(extra)


def test_the_document_was_written_by_the_command():
    text = document.PATH.read_text()
    found = text.partition(document.BEGIN)[2].partition(document.END)[0]
    assert document.HEAD in found and " 0 wrong, 0 traceback.\n" in found
