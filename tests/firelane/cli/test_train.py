"""`firelane train`: what is printed, what is written, and what goes on from there."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import firelane
from firelane.api import train as api
from firelane.cli.commands.train import LAYERS
from firelane.cli.main import main
from firelane.compiler.artefact.reader import read_model
from firelane.compiler.train.curve import ALL, LAST
from tests.compiler.train.pictures import CLASSES, SIDE, folder_of_stripes, network
from tests.firelane.report.pages import Tags, check_page, plots, traces


@pytest.fixture(autouse=True)
def build(tmp_path, monkeypatch):
    """An empty folder with pictures, a network, and a place for what is kept."""
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))
    monkeypatch.chdir(tmp_path)
    folder_of_stripes(tmp_path / "images", 12)
    onnx.save(network(), "net.onnx")
    return tmp_path / "build"


def train(*more: str, start: str = "net.onnx", folder: str = "images") -> int:
    return main(["train", folder, "--from", start, "-o", "mine.onnx", "--views", "1", *more])


def test_layers_are_those_of_python():
    assert tuple(api.LAYERS) == LAYERS and tuple(api.LAYERS.values()) == (LAST, ALL)


def test_it_says_how_good_it_is(capsys):
    assert train() == 0
    assert re.fullmatch(r"learnt from 30 images, beginning with net\.onnx: last layer, step \d+ of \d+\n"
                        r"3 classes: [\d.]+ % ± [\d.]+ % of 6 held-out images right\nwritten: mine\.onnx\n",
                        capsys.readouterr().out)


def test_all_that_comes_after_it_knows_the_classes(tmp_path, capsys):
    """Quantized and compiled, the model folder of a board has their names, and so has a prediction."""
    assert train("--no-mirror") == 0
    assert main(["quantize", "mine.onnx", "--calib", "images/down", "-o", "q.onnx"]) == 0
    assert main(["compile", "q.onnx", "-o", "compiled"]) == 0
    network = firelane.load("q.onnx")
    assert network.class_names == CLASSES and firelane.load("mine.onnx").class_names == CLASSES
    compiled = read_model(tmp_path / "compiled")
    assert compiled.classes == 3 and compiled.graph.metadata["firelane.classes"] == '["across", "down", "slanted"]'
    found = network.predict(tmp_path / "images/slanted/000.png")
    assert found.classes[0].name == CLASSES[found.best]


def test_what_was_written_is_as_good_as_it_says(capsys):
    """By `firelane evaluate`, which finds classes by their names; not all of them, and in any order."""
    shutil.copytree("images/slanted", "two/slanted")
    shutil.copytree("images/across", "two/across")
    trained = firelane.train("images", "net.onnx", valid="two", views=1)
    found = firelane.evaluate(trained, "two")
    assert found.images == 24 and found.top1 == trained.judged.accuracy


def test_a_list(tmp_path):
    lines = [f"images/{kind}/{number:03}.png\tclass {kind}\n" for kind in CLASSES[:2] for number in range(8)]
    (tmp_path / "list.txt").write_text("".join(lines))
    assert train(folder="list.txt") == 0
    assert firelane.load("mine.onnx").class_names == ("class across", "class down")


def test_report(tmp_path):
    assert train("--report", "r.html") == 0
    page = tmp_path / "r.html"
    check_page(page)
    trained = firelane.train("images", "net.onnx", views=1)
    loss, share = traces(page, "loss"), traces(page, "accuracy")
    assert loss["held out"]["y"] == [step.held_loss for step in trained.steps]
    assert share["learnt from"]["y"] == [100 * step.learnt_share for step in trained.steps]
    assert loss["taken"]["x"] == [trained.steps.index(trained.best) + 1]
    [heat] = plots(page)["confusion"]["data"]
    assert np.array(heat["customdata"]).tolist() == trained.judged.confusion.tolist()
    assert Tags(page).texts["h1"] == ["images, trained"]


@pytest.mark.parametrize("words, message", [
    (["--epochs", "3"], "--epochs: 3, but the last layer alone is fitted, in no epochs; leave it out, or give "
                        "--layers all (in Python: layers)"),
    (["--valid", "images", "--held-out", "0.5"], "--held-out: 0.5, but held-out images are named with --valid; "
                                                 "leave out one of them"),
    (["--input-size", "64"], "--input-size: an ONNX model has one size only; export it again with another one"),
    (["--valid", "none"], "--valid: none: no such file or folder; a folder for each class with its images in it, or a "
                          "text file of lines `image<tab>class`")])
def test_refused(words, message, capsys):
    assert train(*words) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {message}"


@pytest.mark.parametrize("start, message", [("digitz", "error: --from: digitz: no such network; did you mean digits?"),
                                            ("digits", "24 x 24 pixels; the network wants 56 x 56")])
def test_starts(start, message, capsys):
    assert train(start=start) == 2
    assert message in capsys.readouterr().err


def test_all_layers_without_pytorch(monkeypatch, capsys, build):
    """It is said before any work."""
    monkeypatch.setitem(sys.modules, "torch", None)
    for module in [name for name in sys.modules if name.startswith("firelane.compiler.train.")]:
        if module.endswith(("fine_tune", "torch_network")):
            monkeypatch.delitem(sys.modules, module)
    assert train("--layers", "all") == 2
    assert capsys.readouterr().err.splitlines()[0] == (
        "error: --layers all: needs torch, which is not installed; pip install 'firelane[train]'")
    assert not build.exists()


def test_the_output_is_none_of_the_inputs(capsys):
    assert main(["train", "images", "--from", "net.onnx", "-o", "net.onnx"]) == 2
    assert "net.onnx" in capsys.readouterr().err


def test_interrupted(monkeypatch, capsys):
    """What is finished is kept, and nothing is written."""
    def interrupt(*arguments):
        raise KeyboardInterrupt
    monkeypatch.setattr("firelane.compiler.train.run.fit", interrupt)
    assert train() == 130
    said = capsys.readouterr().err
    assert "the same command goes on from there" in said and "interrupted" in said
    assert not Path("mine.onnx").exists() and list(Path("build/train").glob("*/*.npz"))


def test_the_side_of_the_network():
    assert firelane.load("net.onnx").input_shape == (3, SIDE, SIDE)
