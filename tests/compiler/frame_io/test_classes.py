"""Classes and their names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from firelane.compiler.frame_io.classes import (
    CLASSES_KEY,
    best_classes,
    class_names,
    read_labels,
    record_names,
    recorded_names,
)
from firelane.compiler.ir.graph import HOST_OPERATORS
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.support.errors import ConfigError, ModelError
from firelane.models.catalogue import EMBEDDED


@pytest.fixture(scope="module")
def graph():
    """The digits: ten classes, a Softmax at the end."""
    return load_graph(EMBEDDED["digits"])


def test_probabilities(graph):
    tensor = graph.tensors[graph.output]
    stored = np.array([3, 200, 3, 199, 3, 3, 3, 3, 3, 200], np.uint8).reshape(10, 1, 1)
    guesses = best_classes(graph, stored, tuple("abcdefghij"), count=10)
    assert [(guess.index, guess.name) for guess in guesses[:4]] == [(1, "b"), (9, "j"), (3, "d"), (0, "a")]
    assert sum(guess.share for guess in guesses) == pytest.approx(1)
    assert guesses[0].share / guesses[2].share == pytest.approx(np.exp(tensor.scale))


def test_values_where_there_is_no_softmax(graph):
    plain, tensor = replace(graph, metadata={}), graph.tensors[graph.output]
    best = best_classes(plain, np.arange(10, dtype=np.uint8).reshape(10, 1, 1))[0]
    assert (best.index, best.name) == (9, "")
    assert best.share == pytest.approx((9 - tensor.zero_point) * tensor.scale)


@pytest.mark.parametrize("operator, share", [
    ("Sigmoid", lambda value: 1 / (1 + np.exp(-value))), ("HardSigmoid:0.25:0.5", lambda value: value / 4 + 0.5)])
def test_every_class_for_itself(graph, operator, share):
    tensor = replace(graph.tensors[graph.output], scale=0.01, zero_point=100)
    alone = replace(graph, metadata={HOST_OPERATORS: operator}, tensors={graph.output: tensor})
    best = best_classes(alone, np.arange(90, 100, dtype=np.uint8).reshape(10, 1, 1))[0]
    assert best.index == 9 and best.share == pytest.approx(share(-0.01))


@pytest.mark.parametrize("operator", ["LogSoftmax", "QLinearSoftmax"])
def test_other_forms_of_softmax(graph, operator):
    """What an artefact of an older compiler may name, too."""
    other, stored = replace(graph, metadata={HOST_OPERATORS: operator}), np.arange(10, dtype=np.uint8).reshape(10, 1, 1)
    assert best_classes(other, stored) == best_classes(graph, stored)


def test_a_map_has_no_classes(graph):
    wide = replace(graph, tensors={graph.output: replace(graph.tensors[graph.output], height=2, width=3)})
    assert best_classes(wide, np.zeros((10, 2, 3), np.uint8)) == []


def test_labels(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("0\tn01440764\ttench\n1\tn01443537\tgoldfish\n")
    assert read_labels(path, 2) == ("tench", "goldfish")
    path.write_text("one\ntwo\n")
    assert read_labels(path, 2) == ("one", "two")


def test_labels_that_are_refused(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("one\ntwo\n")
    with pytest.raises(ConfigError, match="^labels: .* has 2 lines, the network 3 classes; a line for each"):
        read_labels(path, 3)
    with pytest.raises(ConfigError, match="No such file"):
        read_labels(tmp_path / "none.txt", 3)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not a text file"):
        read_labels(path, 3)


class TestRecordedNames:
    NAMES = ("cat", "Hündin", "one, two")

    def test_they_are_read_as_they_were_written(self):
        model = record_names(onnx.load(EMBEDDED["digits"]), self.NAMES)
        assert recorded_names(metadata(model)) == self.NAMES
        again = record_names(model, [*self.NAMES, "more"])
        assert recorded_names(metadata(again), 4)[3] == "more"
        assert len(again.metadata_props) == len(model.metadata_props)

    def test_they_go_with_the_graph(self):
        model = record_names(onnx.load(EMBEDDED["digits"]), tuple("abcdefghij"))
        assert class_names(None, load_graph(model).metadata, 10) == tuple("abcdefghij")

    def test_a_file_counts_before_them(self, tmp_path):
        (tmp_path / "names.txt").write_text("x\ny\n")
        assert class_names(tmp_path / "names.txt", {CLASSES_KEY: '["a", "b"]'}, 2) == ("x", "y")

    def test_none(self):
        assert recorded_names({}, 5) == () == class_names(None, {}, 5)

    @pytest.mark.parametrize("text", ["", "[", "{}", "[1]", '"cat"', "[" * 100_000])
    def test_what_is_no_list_of_names(self, text):
        with pytest.raises(ModelError, match=f"^metadata {CLASSES_KEY}: is no list of texts"):
            recorded_names({CLASSES_KEY: text})

    def test_too_few(self):
        with pytest.raises(ModelError, match="names 2 classes, the network has 3"):
            recorded_names({CLASSES_KEY: '["a", "b"]'}, 3)
