"""What is said of a model with very many weights: the same sums as of its graph, without quantizing it."""

from __future__ import annotations

import onnx
import pytest

from firelane.compiler.fit import heavy_model
from firelane.compiler.fit.heavy_model import check_operators, is_heavy, workload_of_model
from firelane.compiler.fit.workload import workload
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.support.errors import ModelError
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import EMBEDDED

QUANTIZED = EMBEDDED["digits"]
FLOAT = QUANTIZED.with_name("digits_squeezenet_float.onnx")


def with_constant_nodes(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same, with a Constant node in place of each initializer; the tensors of these have no names."""
    tensors = list(model.graph.initializer)
    del model.graph.initializer[:]
    for tensor in reversed(tensors):
        node = onnx.helper.make_node("Constant", [], [tensor.name], value=tensor)
        node.attribute[0].t.name = ""
        model.graph.node.insert(0, node)
    return model


@pytest.mark.parametrize("small", [1 << 12, 16])
@pytest.mark.parametrize("path", [QUANTIZED, FLOAT])
@pytest.mark.parametrize("changed", [lambda model: model, with_constant_nodes])
def test_it_is_the_work_of_the_graph(path, small, changed, monkeypatch):
    monkeypatch.setattr(heavy_model, "SMALL", small)
    found, graph = workload_of_model(changed(onnx.load(path))), workload(load_graph(QUANTIZED), EngineConfig())
    assert (found.weights, found.macs) == (graph.weights, graph.macs)
    assert found.nonzero == pytest.approx(graph.nonzero, rel=0.02)
    assert found.weight_words == pytest.approx(graph.weight_words, rel=0.1)
    assert [(work.rows, work.columns) for work in found.layers] == [(work.rows, work.columns) for work in graph.layers]


def test_unsupported_nodes_are_named():
    model = onnx.load(FLOAT)
    model.graph.node[1].op_type = "Elu"
    with pytest.raises(ModelError, match="the engine has no such operator"):
        check_operators(model)
    assert workload_of_model(model).macs == workload_of_model(onnx.load(FLOAT)).macs


def test_as_if_pruned():
    found = workload_of_model(onnx.load(FLOAT), 0.1)
    assert [work.nonzero for work in found.layers if work.weights] == [
        round(0.1 * work.weights) for work in found.layers if work.weights]


def test_what_is_heavy(monkeypatch):
    assert not is_heavy(onnx.load(FLOAT))
    monkeypatch.setattr(heavy_model, "HEAVY", 1000)
    assert is_heavy(onnx.load(FLOAT)) and is_heavy(with_constant_nodes(onnx.load(FLOAT)))
