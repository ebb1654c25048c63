"""Models that somebody else quantized, but for their last layers: `quantize` puts in what is missing, and no more."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from firelane.compiler.onnx_import import load_graph
from firelane.compiler.quantize.calibrated import read_calibrated
from firelane.compiler.quantize.partly_quantized import unquantized
from firelane.compiler.quantize.quantize import quantize
from firelane.compiler.support.errors import FirelaneError
from firelane.sim.validate import validate
from tests.compiler.onnx_import.test_onnx_import import Model


def last_layer(kind: str) -> onnx.ModelProto:
    """A quantized convolution, and something float behind it."""
    model = Model()
    value = model.quantized(model.conv(model.quantized("image"), 4, 3, 3, 3), 0.5)
    if kind == "conv":
        value = model.conv(value, 5, 4, 1, 1)
    elif kind == "conv, relu, average, flatten":                       # TensorRT
        value = model.node("Relu", model.conv(value, 5, 4, 1, 1))
        value = model.node("Flatten", model.node("GlobalAveragePool", value))
    elif kind == "gemm, softmax":
        value = model.node("Flatten", model.quantized(model.node("GlobalAveragePool", value), 0.5))
        value = model.node("Softmax", model.node("Gemm", value, model.weight(4, 5)), axis=1)
    elif kind == "matmul, add":
        value = model.node("Flatten", model.quantized(model.node("GlobalAveragePool", value), 0.5))
        value = model.node("MatMul", value, model.weight(4, 5))
        value = model.node("Add", value, model.constant(np.ones(5, np.float32)))
    return model.proto(value)


@pytest.mark.parametrize("kind, layers", [("conv", 2), ("conv, relu, average, flatten", 3), ("gemm, softmax", 3),
                                          ("matmul, add", 3)])
def test_what_is_missing_is_put_in(kind, layers, tmp_path):
    model = last_layer(kind)
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(FirelaneError, match="not quantized"):
        load_graph(tmp_path / "m.onnx")
    images = np.random.default_rng(0).uniform(0, 12, (4, 3, 8, 9)).astype(np.float32)
    np.save(tmp_path / "images.npy", images)
    source = read_calibrated(tmp_path / "m.onnx", tmp_path / "images.npy", 4)
    result = quantize(source.model, source.images)
    onnx.save(result, tmp_path / "q.onnx")
    graph = load_graph(tmp_path / "q.onnx")
    assert len(graph.nodes) == layers and validate(graph, tmp_path / "q.onnx").tensors >= layers
    assert [value.name for value in result.graph.output] == [value.name for value in model.graph.output]
    before, after = ({tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
                     for proto in (model, result))
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_a_model_that_lacks_nothing(tmp_path):
    model = Model()
    onnx.save(model.proto(model.quantized(model.conv(model.quantized("image"), 4, 3, 3, 3))), tmp_path / "m.onnx")
    with pytest.raises(FirelaneError, match="is quantized already; compile it as it is"):
        read_calibrated(tmp_path / "m.onnx", tmp_path / "images.npy", 4)


def test_a_bias_and_clamps_need_no_quantizer():
    model = last_layer("matmul, add")
    assert unquantized(model.graph) == [model.graph.output[0].name]
