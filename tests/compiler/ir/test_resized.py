"""Graphs for images of another size: as the importer makes them of the same model."""

from __future__ import annotations

import onnx
import pytest

from firelane.compiler.ir.resized import resized_graph
from firelane.compiler.ir.verify import verify
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.onnx_import.resized import resized_model
from firelane.compiler.support.errors import ModelError
from firelane.models.catalogue import EMBEDDED
from tests.compiler.build import GraphBuilder


@pytest.mark.parametrize("name", ["digits", "digits-bypass"])
@pytest.mark.parametrize("size", [(56, 56), (40, 72), (120, 56), (3000, 5000)])
def test_shapes_are_the_importers(name, size):
    found = resized_graph(load_graph(EMBEDDED[name]), size)
    verify(found)
    if max(size) < 1000:
        imported = load_graph(resized_model(onnx.load(EMBEDDED[name]), size))
        assert {name: tensor.shape for name, tensor in found.tensors.items()} == \
            {name: tensor.shape for name, tensor in imported.tensors.items()}


def test_a_layer_that_is_made_for_one_size():
    build = GraphBuilder(3, 4, 4)
    graph = build.graph(build.conv("image", 5, kernel=4, pad=0))
    with pytest.raises(ModelError, match="is made for maps of 4 x 4"):
        resized_graph(graph, (8, 8))
    assert resized_graph(graph, (4, 4)).tensors == graph.tensors


def test_nothing_is_left():
    build = GraphBuilder(3, 9, 9)
    graph = build.graph(build.conv("image", 5, kernel=5, pad=0))
    with pytest.raises(ModelError, match="makes nothing of an image of 3 x 3"):
        resized_graph(graph, (3, 3))
