"""`docs/adding_a_layer.md`: each piece of code stands in the file that it names, and the example runs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest

from firelane.cli.main import main
from tests.end_to_end.test_emulator_equals_verilator import check
from tests.simulators import default_engine

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = (ROOT / "docs/adding_a_layer.md").read_text()
PYTHON = re.findall(r"^```python\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
QUOTED = [block.split("\n", 1) for block in PYTHON if block.startswith("# ")]
EXAMPLES = [block for block in PYTHON if not block.startswith("# ")]
LEFT_OUT = "...\n"                     # between two parts of a quotation


@pytest.fixture
def example(tmp_path, monkeypatch) -> dict:
    """The names that the example leaves behind, run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(EXAMPLES[0], "docs/adding_a_layer.md", "exec"), names)
    return names


def test_the_document_has_what_these_tests_look_for():
    assert len(QUOTED) >= 15 and len(EXAMPLES) == 1


@pytest.mark.parametrize("title, code", QUOTED, ids=[title for title, _ in QUOTED])
def test_quoted_code_is_the_code(title, code):
    """Whole lines, in order."""
    text, end = "\n" + (ROOT / title.removeprefix("# ")).read_text(), 0
    for part in code.split(LEFT_OUT):
        found = text.find("\n" + part.rstrip(), end)
        assert found >= 0, f"{title.removeprefix('# ')} has no longer:\n{part}"
        end = found + len(part)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w/]+/\w+\.(?:py|md))`", DOCUMENT))))
def test_named_files_exist(path):
    assert (ROOT / path).is_file()


def test_the_example_runs(example):
    """Its own assertions hold the first two equalities; the images reach both ends of the range of channel 1."""
    results = example["reference"].run(example["graph"], example["images"][0])[example["graph"].output]
    assert results[1].min() == 7 and results[0].max() > 100 and np.unique(results[2]).tolist() == [11]


def test_the_hardware_computes_the_example(example, tmp_path):
    """The third equality, on the engine of the example, which is that of `make sim`."""
    assert example["compiled"].cfg == default_engine()
    check(example["compiled"], example["images"], tmp_path)


def test_the_refusal_is_what_the_command_says(example, capsys):
    model = onnx.load("scaled.onnx")
    product = next(node for node in model.graph.node if node.op_type == "Mul")
    product.input[1] = product.input[0]
    onnx.save(model, "two_maps.onnx")
    line = re.search(r"^error: product .*$", DOCUMENT, re.MULTILINE).group()
    assert main(["compile", "two_maps.onnx", "-o", "out"]) == 2
    assert capsys.readouterr().err.splitlines() == [line]
