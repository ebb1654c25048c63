"""Networks by name."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from firelane.cli.main import main
from firelane.compiler.ir.graph import Conv
from firelane.compiler.onnx_import import import_graph, load_graph
from firelane.compiler.onnx_import.reader import read_source
from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.models.catalogue import EMBEDDED, LIGHT, NAMES, PUBLISHED, find, is_name, model_file, short_name
from firelane.models.comparison.networks import COMPARISON, drawn
from tests.published_data import IMAGES, NET_FILE, needs_images, needs_net

SMALL = 64


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """No published data, and nothing built before."""
    monkeypatch.setenv("FIRELANE_DATA", str(tmp_path / "nothing"))
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks_at_a_reduced_size(name, alone):
    entry = find(name, input_size=SMALL)
    graph = load_graph(entry.path)
    assert graph.tensors[graph.input].shape == (3, SMALL, SMALL)
    assert graph.tensors[graph.output].channels == 1000
    assert "random weights" in entry.origin and entry.labels is None and not entry.photographs
    nonzero = sum(np.count_nonzero(node.weight) for node in graph.nodes if isinstance(node, Conv))
    weights = sum(node.weight.size for node in graph.nodes if isinstance(node, Conv))
    assert 0.30 < nonzero / weights < 0.35


@pytest.mark.parametrize("name", ["mobilenet_v1_0.25", "shufflenet_v2_0.5"])
def test_networks_to_compare_with(name, alone):
    entry = find(name, input_size=SMALL)
    graph = import_graph(read_source(entry.path)[0], entry.path)
    assert graph.tensors[graph.input].shape == (3, SMALL, SMALL)
    convolutions = [node for node in graph.nodes if isinstance(node, Conv)]
    assert sum(node.weight.size for node in convolutions) == sum(conv.weights for conv in drawn(name).convolutions)
    assert all(np.count_nonzero(node.weight) > 0.95 * node.weight.size for node in convolutions)
    assert "none pruned" in entry.origin


def test_random_weights_that_are_not_pruned(alone):
    entry = find("squeezenet1.1", input_size=SMALL, dense=True)
    convolutions = [node for node in load_graph(entry.path).nodes if isinstance(node, Conv)]
    assert all(np.count_nonzero(node.weight) > 0.95 * node.weight.size for node in convolutions)
    assert entry.path != find("squeezenet1.1", input_size=SMALL).path and "none pruned" in entry.origin


def test_what_no_engine_can_compute(alone):
    with pytest.raises(ConfigError, match="local response normalization.*firelane estimate alexnet counts"):
        find("alexnet")


def test_made_once(alone, monkeypatch):
    stages = []
    first = find("squeezenet1.1", input_size=SMALL, progress=lambda stage, done, total: stages.append(stage))
    assert "quantizing squeezenet1.1: extremes" in stages
    monkeypatch.setattr("firelane.models.made_networks.make", lambda *arguments: pytest.fail("made again"))
    assert find("squeezenet1.1", input_size=SMALL) == first
    with pytest.raises(pytest.fail.Exception):
        find("squeezenet1.1", input_size=SMALL + 2)


def test_where_it_cannot_be_kept_the_folder_is_named_that_can_be_changed(alone, monkeypatch):
    """Nobody has given an -o."""
    def full(self, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FirelaneError, match="No space left on device, [0-9,]+ bytes are needed; "
                                            "make room, or name another with FIRELANE_BUILD$"):
        find("squeezenet1.1", input_size=SMALL)


def test_exporters_graph(alone):
    graph = load_graph(find(LIGHT).path)
    assert graph.tensors[graph.input].shape == (3, 224, 224)


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_networks_need_nothing(name, alone):
    assert find(name).path.exists() and find(name).origin == ""


@needs_net
@needs_images
def test_published_weights_are_taken_where_they_are(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path))
    entry = find("squeezenet1.0")
    assert str(NET_FILE) in entry.origin and list(entry.photographs) == IMAGES and entry.labels.name == "labels.txt"
    nonzero = sum(np.count_nonzero(node.weight) for node in load_graph(entry.path).nodes if isinstance(node, Conv))
    assert nonzero <= 415_921                       # published; a few become 0 when they are quantized
    assert nonzero > 0.98 * 415_921
    assert "random" in find("squeezenet1.0", input_size=SMALL).origin


@pytest.mark.parametrize(("name", "size", "message"), [
    ("yolo", None, "^model: yolo: no such network; a file, or one of digits, "),
    ("digits", 64, "^input_size: digits has one size only; possible for squeezenet1.0, "),
    ("squeezenet1.1", 8, "^input size: 8 is too small for squeezenet1.1: "),
])
def test_refused(name, size, message, alone):
    with pytest.raises(ConfigError, match=message):
        find(name, input_size=size)


def test_help_names_them_all(capsys):
    assert main(["simulate", "--help"]) == 0
    text = capsys.readouterr().out.replace("\n", " ").replace("  ", " ").replace("- ", "-")
    text = text.replace(" ", "")
    whole = [name for name in NAMES if name not in COMPARISON]
    assert [name for name in whole if name not in text] == []
    assert [name for name in COMPARISON if not all(part in text for part in name.rpartition("_")[::2])] == []


def test_a_file_and_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").touch()
    assert all(map(is_name, (*NAMES, "dgits")))
    assert not any(map(is_name, ("net.onnx", "folder/net", "plain", tmp_path / "none")))
    assert model_file("digits") == EMBEDDED["digits"] and model_file("net.onnx").name == "net.onnx"
    with pytest.raises(ConfigError, match="^model: dgits: no such network; did you mean digits.$"):
        model_file("dgits")


def test_short_names():
    assert [short_name(model) for model in ("digits", EMBEDDED["digits"], "squeezenet1.1", "a/squeezenet1.1.onnx")] == [
        "digits_squeezenet", "digits_squeezenet", "squeezenet1.1", "squeezenet1.1"]


def test_a_file_here_may_have_been_meant(tmp_path, monkeypatch):
    (tmp_path / "small.onnx").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="^model: small.onx: no such network; did you mean small.onnx.$"):
        find("small.onx")
