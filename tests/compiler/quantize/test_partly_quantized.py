"""Models that somebody else quantized, but for their last layers: `quantize` puts in what is missing, and no more."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from firelane.compiler.onnx_import import load_graph
from firelane.compiler.quantize.calibrated import read_calibrated
from firelane.compiler.quantize.partly_quantized import unquantized
from firelane.compiler.quantize.quantize import quantize
from firelane.compiler.support.errors import FirelaneError
from firelane.sim.validate import validate
from tests.compiler.onnx_import.small_models import Model


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


def float_layers(kind: str) -> onnx.ModelProto:
    """Whole layers left float, with their weights (ONNX Runtime's `nodes_to_exclude`, `op_types_to_quantize`)."""
    model = Model()

    def conv(value: str, *shape: int) -> str:
        return model.node("Conv", value, model.constant(model.rng.normal(0, 0.3, shape).astype(np.float32)),
                          model.constant(model.rng.normal(0, 0.3, shape[0]).astype(np.float32)))

    if kind == "first":
        value = model.quantized(model.conv(model.quantized(conv("image", 4, 3, 3, 3), 0.1, 120), 5, 4, 1, 1), 0.5)
    elif kind == "last":
        value = conv(model.quantized(model.conv(model.quantized("image"), 4, 3, 3, 3), 0.5), 5, 4, 1, 1)
    elif kind == "gemm":
        value = model.node("Flatten", model.quantized(model.node("GlobalAveragePool", model.quantized("image"))))
        weight = model.rng.normal(0, 0.3, (5, 3)).astype(np.float32)
        value = model.node("Gemm", value, model.constant(weight), transB=1)
    elif kind == "matmul":
        value = model.node("Flatten", model.quantized(model.node("GlobalAveragePool", model.quantized("image"))))
        value = model.node("MatMul", value, model.constant(model.rng.normal(0, 0.3, (3, 5)).astype(np.float32)))
    elif kind == "add":
        source = model.quantized("image")
        parts = [model.node("Relu", model.quantized(model.conv(source, 2, 3, 1, 1), scale)) for scale in (0.5, 0.4)]
        whole = model.node("Concat", *parts, axis=1)
        value = model.node("Add", whole, model.quantized(model.conv(source, 4, 3, 1, 1), 0.5))
    return model.proto(value)


@pytest.mark.parametrize("opset", [11, 13])
@pytest.mark.parametrize("kind", ["first", "last", "gemm", "matmul", "add"])
def test_whole_layers_that_are_float(kind, opset, tmp_path):
    model = float_layers(kind)
    model.opset_import[0].version = opset
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and opset < 13:
            del node.attribute[:]
    onnx.save(model, tmp_path / "m.onnx")
    images = np.random.default_rng(0).uniform(0, 12, (4, 3, 8, 9)).astype(np.float32)
    source = read_calibrated(tmp_path / "m.onnx", images, 4)
    result = quantize(source.model, source.images)
    onnx.save(result, tmp_path / "q.onnx")
    graph = load_graph(tmp_path / "q.onnx")
    assert validate(graph, tmp_path / "q.onnx").tensors >= len(graph.nodes) - 2
    theirs, ours = (onnxruntime.InferenceSession(proto.SerializeToString()).run(None, {"image": images[:1]})[0]
                    for proto in (model, result))
    assert np.abs(theirs - ours).max() < 0.03 * np.abs(theirs).max()


def test_what_is_quantized_while_it_runs(tmp_path):
    model = Model()
    model.nodes.append(helper.make_node("DynamicQuantizeLinear", ["image"], ["stored", "scale", "zero_point"]))
    onnx.save(model.proto(model.node("DequantizeLinear", "stored", "scale", "zero_point")), tmp_path / "m.onnx")
    with pytest.raises(FirelaneError, match="quantize it statically, from the float model: firelane quantize "):
        read_calibrated(tmp_path / "m.onnx", np.zeros((1, 3, 8, 9), np.float32), 1)


def test_a_model_that_lacks_nothing(tmp_path):
    model = Model()
    onnx.save(model.proto(model.quantized(model.conv(model.quantized("image"), 4, 3, 3, 3))), tmp_path / "m.onnx")
    with pytest.raises(FirelaneError, match="is quantized already; compile it as it is"):
        read_calibrated(tmp_path / "m.onnx", tmp_path / "images.npy", 4)


def test_a_bias_and_clamps_need_no_quantizer():
    model = last_layer("matmul, add")
    assert unquantized(model.graph) == [model.graph.output[0].name]
