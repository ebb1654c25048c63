"""`firelane bench` as a user meets it; measurements themselves are in test_frame and test_accuracy."""

from __future__ import annotations

import pytest

from firelane.cli.main import main
from firelane.sim.benchmark import accuracy, frame
from firelane.sim.benchmark.cases import CASES
from firelane.sim.benchmark.records import load_all, store
from tests.sim.benchmark.examples import accuracy_record, frame_record


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs the command with a build folder of its own; exit code, output, document."""
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))
    document = tmp_path / "docs/benchmarks.md"

    def command(*arguments: str) -> tuple[int, str, str]:
        code = main(["bench", *arguments, "--output", str(document)])
        printed = capsys.readouterr()
        return code, printed.out + printed.err, document.read_text() if document.exists() else ""
    return command


def test_everything(run, monkeypatch):
    measured = []
    monkeypatch.setattr(frame, "measure_frame", lambda case, **_: measured.append(case) or frame_record())
    monkeypatch.setattr(accuracy, "measure_accuracy", lambda **_: accuracy_record())
    code, output, document = run()
    assert code == 0, output
    assert measured == list(CASES) and set(load_all()) == {*(case.name for case in CASES), "accuracy"}
    assert all(f"## Layers of {case.title}" in document for case in CASES) and "## Accuracy" in document


def test_one_alone_keeps_the_others(run, monkeypatch):
    store("accuracy", accuracy_record())
    monkeypatch.setattr(frame, "measure_frame", lambda case, **_: frame_record())
    code, output, document = run("--only", "squeezenet1.1")
    assert code == 0, output
    assert "## Layers of SqueezeNet v1.1" in document and "## Accuracy" in document
    assert "SqueezeNet v1.0 |" not in document


def test_nothing_but_the_document(run):
    store("accuracy", accuracy_record())
    code, output, document = run("--only", "none")
    assert code == 0 and "measuring" not in output
    assert "## Accuracy" in document and "## Whole frames" not in document


def test_accuracy_without_photographs_is_left_out(run, monkeypatch, tmp_path):
    monkeypatch.setenv("FIRELANE_DATA", str(tmp_path))
    code, output, document = run("--only", "accuracy")
    assert code == 0 and "FIRELANE_DATA" in output
    assert "## Accuracy" not in document


def test_unknown_measurement(run):
    code, output, document = run("--only", "squeezenet2")
    assert code == 2 and not document
    assert "squeezenet2: no such measurement" in output and "did you mean squeezenet1.0 or squeezenet1.1?" in output
