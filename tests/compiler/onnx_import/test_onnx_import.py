"""Single ONNX features: what each becomes in the graph, and that ONNX Runtime computes the same."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from firelane.compiler.ir.graph import HOST_OPERATORS, AveragePool, Concat, Conv, GlobalAverage, MaxPool, Rescale
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.support.errors import ModelError
from firelane.models.squeezenet_graph import build
from firelane.sim.reference import run
from tests.compiler.onnx_import.small_models import SCALE, Model, kinds


@pytest.mark.parametrize("kind, zero_point, stored", [(np.uint8, 7, 7), (np.int8, -100, 28), (np.int8, 0, 128)])
@pytest.mark.parametrize("attributes, window", [
    ({"pads": [1, 0, 2, 1], "strides": [2, 1]}, ((2, 1), (1, 0, 2, 1), (5, 8))),
    ({"auto_pad": "SAME_UPPER", "strides": [2, 2]}, ((2, 2), (0, 1, 1, 1), (4, 5))),
    ({"auto_pad": "SAME_LOWER", "strides": [2, 2]}, ((2, 2), (1, 1, 0, 1), (4, 5))),
    ({"auto_pad": "VALID"}, ((1, 1), (0, 0, 0, 0), (6, 7))),
])
def test_conv_window(load, kind, zero_point, stored, attributes, window):
    model = Model(kind=kind, zero_point=zero_point)
    graph = load(model.proto(model.quantized(model.conv(model.quantized("image"), 4, 3, 3, 3, **attributes))))
    node, (stride, pads, size) = graph.nodes[0], window
    assert (node.window.stride, node.window.pads, graph.tensors[graph.output].shape) == (stride, pads, (4, *size))
    assert graph.tensors[graph.input].zero_point == stored


@pytest.mark.parametrize("options", [
    {"per_channel": True}, {"zero_point": 0}, {"kind": np.uint8, "zero_point": 128},
    {"kind": np.uint8, "zero_point": 120, "per_channel": True}, {"zero_point": 3}])
def test_weights(load, options):
    model = Model()
    value = model.node("Conv", model.quantized("image"), model.weight(4, 3, 1, 1, **options))
    graph = load(model.proto(model.quantized(value)))
    assert graph.nodes[0].weight.dtype == np.int8 and graph.nodes[0].weight.shape == (4, 3, 1, 1)


def test_weights_quantized_in_the_model(load):
    model = Model()
    weight = model.constant(model.rng.normal(0, 0.5, (4, 3, 3, 3)).astype(np.float32))
    parameters = [model.constant(np.float32([0.01, 0.02, 0.015, 0.01])), model.constant(np.zeros(4, np.int8))]
    stored = model.node("QuantizeLinear", weight, *parameters, axis=0)
    value = model.node("Conv", model.quantized("image"), model.node("DequantizeLinear", stored, *parameters, axis=0))
    load(model.proto(model.quantized(value)))


@pytest.mark.parametrize("bias", ["float", "int32", "int32 of another scale", "added", "none"])
def test_bias(load, bias):
    model = Model()
    values, source = np.float32([3, -2, 0.5, 1]), model.quantized("image")
    weights = [model.constant(model.rng.integers(-90, 90, (4, 3, 1, 1)).astype(np.int8)),
               model.constant(np.float32(0.01))]
    weight, more = model.node("DequantizeLinear", *weights), []
    if bias == "float":
        more = [model.constant(values)]
    elif bias.startswith("int32"):
        step = np.float32(SCALE) * np.float32(0.01) * (2 if "another" in bias else 1)
        integers = model.constant(np.int32(np.rint(values / step)))
        more = [model.node("DequantizeLinear", integers, model.constant(np.float32(step)))]
    value = model.node("Conv", source, weight, *more)
    if bias == "added":
        value = model.node("Add", value, model.constant(values.reshape(1, 4, 1, 1)))
    graph = load(model.proto(model.quantized(value)))
    with_zero = graph.nodes[0].requantize.bias + 7 * graph.nodes[0].weight.reshape(4, -1).sum(axis=1)
    assert with_zero.tolist() == ([0] * 4 if bias == "none" else [6000, -4000, 1000, 2000])


@pytest.mark.parametrize("groups, shape", [(3, (6, 1, 3, 3)), (1, (5, 3, 2, 2))])
def test_groups(load, groups, shape):
    model = Model()
    value = model.conv(model.quantized("image"), *shape, group=groups)
    assert load(model.proto(model.quantized(value))).nodes[0].groups == groups


@pytest.mark.parametrize("operators, low, high", [
    ([("Relu",)], 7, 255), ([("Clip", 0.0, 6.0)], 7, 127), ([("Clip", -0.1, None)], 5, 255),
    ([("Relu",), ("Clip", None, 2.0)], 7, 47), ([("Clip", -1.0, 1.0), ("Relu",)], 7, 27)])
def test_activation_joins_the_convolution(load, operators, low, high):
    model = Model()
    value = model.conv(model.quantized("image"), 4, 3, 1, 1)
    for op_type, *bounds in operators:
        inputs = ["" if bound is None else model.constant(np.float32(bound)) for bound in bounds]
        value = model.node(op_type, value, *inputs)
    graph = load(model.proto(model.quantized(value)))
    assert kinds(graph) == ["Conv"]
    assert (graph.nodes[0].requantize.low, graph.nodes[0].requantize.high) == (low, high)


@pytest.mark.parametrize("scale, expected", [(SCALE, ["Conv"]), (0.03, ["Conv", "Rescale"])])
def test_relu_after_its_own_quantization(load, scale, expected):
    model = Model()
    value = model.quantized(model.conv(model.quantized("image"), 4, 3, 1, 1))
    graph = load(model.proto(model.quantized(model.node("Relu", value), scale)))
    assert kinds(graph) == expected and graph.nodes[-1].requantize.low == 7


def test_relu_without_quantization_of_its_own(load):
    model = Model()
    value = model.node("Relu", model.quantized(model.conv(model.quantized("image"), 4, 3, 1, 1)))
    graph = load(model.proto(model.quantized(model.conv(value, 2, 4, 1, 1))))
    assert kinds(graph) == ["Conv", "Conv"] and graph.nodes[0].requantize.low == 7


def test_a_pair_that_changes_the_scale_is_a_rescale(load):
    model = Model()
    value = model.quantized(model.conv(model.quantized("image"), 4, 3, 1, 1))
    graph = load(model.proto(model.quantized(model.quantized(value), 0.03, 100)))
    assert kinds(graph) == ["Conv", "Rescale"]


@pytest.mark.parametrize("attributes, size", [
    ({"kernel_shape": [2, 2], "strides": [2, 2]}, (4, 4)),
    ({"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, (4, 4)),
    ({"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}, (4, 5)),
    ({"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, (8, 9)),
    ({"kernel_shape": [3, 2], "strides": [3, 2], "pads": [2, 0, 1, 1], "ceil_mode": 1}, (4, 5)),
])
def test_max_pool(load, attributes, size):
    model = Model()
    graph = load(model.proto(model.quantized(model.node("MaxPool", model.quantized("image"), **attributes))))
    assert kinds(graph) == ["MaxPool"] and graph.tensors[graph.output].shape == (3, *size)


def test_max_pool_between_convolution_and_quantization(load):
    model = Model()
    value = model.node("Relu", model.conv(model.quantized("image"), 4, 3, 3, 3))
    value = model.node("MaxPool", value, kernel_shape=[2, 2], strides=[2, 2])
    assert kinds(load(model.proto(model.quantized(value)))) == ["Conv", "MaxPool"]


@pytest.mark.parametrize("op_type, attributes, kind", [
    ("AveragePool", {"kernel_shape": [2, 2], "strides": [2, 2]}, AveragePool),
    ("AveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}, AveragePool),
    ("AveragePool", {"kernel_shape": [8, 9]}, GlobalAverage),
    ("GlobalAveragePool", {}, GlobalAverage), ("ReduceMean", {"axes": [2, 3]}, GlobalAverage),
    ("ReduceMean", {"axes": [-1, -2], "keepdims": 0}, GlobalAverage)])
def test_averages(load, op_type, attributes, kind):
    model = Model()
    value = model.quantized(model.node(op_type, model.quantized("image"), **attributes), 0.01)
    assert isinstance(load(model.proto(value)).nodes[0], kind)


@pytest.mark.parametrize("keepdims", [0, 1])
def test_reduce_mean_of_pixels_in_one_dimension(load, keepdims):
    model = Model()
    value = model.quantized(model.node("Reshape", model.quantized("image"), model.constant(np.int64([1, 3, -1]))))
    value = model.node("ReduceMean", value, axes=[2], keepdims=keepdims)
    graph = load(model.proto(model.quantized(value, 0.01)))
    assert kinds(graph) == ["GlobalAverage"]


def test_mean_over_no_axes(load):
    """The map itself, if the node says that no axes are none."""
    model = Model()
    value = model.quantized(model.conv(model.quantized("image"), 4, 3, 1, 1))
    value = model.node("ReduceMean", value, model.constant(np.int64([])), noop_with_empty_axes=1)
    assert kinds(load(model.proto(model.quantized(value), 18))) == ["Conv"]


def test_reduce_mean_with_axes_as_input(load):
    model = Model()
    value = model.node("ReduceMean", model.quantized("image"), model.constant(np.int64([2, 3])))
    assert kinds(load(model.proto(model.quantized(value, 0.01), opset=18))) == ["GlobalAverage"]


@pytest.mark.parametrize("scales, expected", [
    ((SCALE, SCALE), ["Conv", "Conv", "Concat"]), ((SCALE, 0.04), ["Conv", "Conv", "Rescale", "Concat"])])
def test_concat_honours_the_quantization_of_its_parts(load, scales, expected):
    model = Model()
    source = model.quantized("image")
    parts = [model.quantized(model.conv(source, 4, 3, 1, 1), scale) for scale in scales]
    graph = load(model.proto(model.quantized(model.node("Concat", *parts, axis=1))))
    assert sorted(kinds(graph)) == sorted(expected)
    assert isinstance(graph.nodes[-1], Concat) and graph.tensors[graph.output].channels == 8


def test_concat_of_convolutions_without_quantization_of_their_own(load):
    model = Model()
    source = model.quantized("image")
    parts = [model.node("Relu", model.conv(source, 4, 3, 1, 1)), model.conv(source, 2, 3, 1, 1)]
    graph = load(model.proto(model.quantized(model.node("Concat", *parts, axis=1))))
    assert kinds(graph) == ["Conv", "Conv", "Concat"]
    assert [node.requantize.low for node in graph.nodes[:2]] == [7, 0]


def test_bypass(load):
    model = Model()
    source = model.quantized("image")
    branch = model.quantized(model.conv(source, 3, 3, 3, 3, pads=[1, 1, 1, 1]), 0.037, 90)
    graph = load(model.proto(model.quantized(model.node("Relu", model.node("Add", branch, source)), 0.06)))
    assert kinds(graph) == ["Conv", "Add"] and graph.nodes[1].requantize.low == 7


@pytest.mark.parametrize("count, expected", [(1, ["Conv", "Conv"]), (2, ["Conv", "Conv", "Add"])])
def test_sum(load, count, expected):
    model = Model()
    source = model.quantized("image")
    parts = [model.quantized(model.conv(source, 3, 3, 1, 1), 0.03 * number) for number in range(1, count + 1)]
    value = model.quantized(model.node("Sum", *parts), 0.05)
    graph = load(model.proto(value if count == 2 else model.quantized(model.conv(value, 2, 3, 1, 1), 0.2)))
    assert [kind for kind in kinds(graph) if kind != "Rescale"] == expected


def test_sum_of_three(tmp_path):
    model = Model()
    value = model.quantized(model.node("Sum", *[model.quantized("image")] * 3))
    onnx.save(model.proto(value), tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=r"\(Sum\): the sum of 3 maps; two are possible: add them one after the other"):
        load_graph(tmp_path / "m.onnx")


@pytest.mark.parametrize("ending, host", [
    (["Dropout", "Flatten"], None), (["Reshape"], None), (["Squeeze"], None), (["Identity"], None),
    (["Flatten", "Softmax"], "Softmax"), (["Softmax"], "Softmax")])
def test_endings(load, ending, host):
    model = Model(batch="N")
    value = model.quantized(model.node("GlobalAveragePool", model.quantized("image")), 0.01)
    for op_type in ending:
        inputs = [model.constant(np.int64([-1, 3]), "shape")] if op_type == "Reshape" else []
        axes = {"Squeeze": {"axes": [2, 3]}, "Softmax": {"axis": 1}}.get(op_type, {})
        value = model.node(op_type, value, *inputs, **axes)
    if host:
        value = model.quantized(value, 1 / 256, 0)
    graph = load(model.proto(value, 11 if "Squeeze" in ending else 13, **{"firelane.input": "{}"}))
    assert kinds(graph) == ["GlobalAverage"]
    assert graph.metadata == {"firelane.input": "{}", **({HOST_OPERATORS: host} if host else {})}


def test_shape_computed_in_the_graph(load):
    """x.view(x.size(0), -1), as PyTorch exports it."""
    model = Model(batch="N")
    value = model.quantized(model.node("GlobalAveragePool", model.quantized("image")), 0.01)
    batch = model.node("Gather", model.node("Shape", value), model.constant(np.int64(0)), axis=0)
    shape = model.node("Concat", model.node("Unsqueeze", batch, model.constant(np.int64([0]))),
                       model.constant(np.int64([-1])), axis=0)
    assert kinds(load(model.proto(model.node("Reshape", value, shape)))) == ["GlobalAverage"]


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (1, 5)])
@pytest.mark.parametrize("form", ["float", "int32", "QGemm"])
def test_bias_of_one_number_for_all_outputs(load, shape, form):
    """ONNX broadcasts the bias of a Gemm; here 30 steps of the accumulator."""
    model, step = Model(4, 1, 1), np.float32(SCALE) * np.float32(0.01)
    integers = [model.constant(model.rng.integers(-90, 90, (4, 5)).astype(np.int8)), model.constant(np.float32(0.01)),
                model.constant(np.int8(0))]
    if form == "QGemm":
        ends = model.parameters()
        value = model.node("Flatten", model.node("QuantizeLinear", "image", *ends))
        value = model.node("QGemm", value, *ends, *integers, model.constant(np.full(shape, 30, np.int32)), *ends,
                           domain="com.microsoft")
        value = model.node("DequantizeLinear", value, *ends)
    else:
        bias = model.constant(np.full(shape, 30 * step if form == "float" else 30,
                                      np.float32 if form == "float" else np.int32))
        if form == "int32":
            bias = model.node("DequantizeLinear", bias, model.constant(step))
        value = model.node("Flatten", model.quantized("image"))
        value = model.quantized(model.node("Gemm", value, model.node("DequantizeLinear", *integers), bias))
    graph = load(model.proto(value))
    sums = graph.nodes[0].weight.reshape(5, 4).astype(np.int64).sum(axis=1)
    assert np.array_equal(graph.nodes[0].requantize.bias + 7 * sums, np.full(5, 30))


@pytest.mark.parametrize("op_type, transposed", [("Gemm", 1), ("Gemm", 0), ("MatMul", 0)])
@pytest.mark.parametrize("size", [(1, 1), (4, 3)])
def test_fully_connected(load, op_type, transposed, size):
    model = Model(3, *size)
    inputs = 3 * size[0] * size[1]
    shape, axis = ((6, inputs), 0) if transposed else ((inputs, 6), 1)
    operands = [model.node("Flatten", model.quantized("image")), model.weight(*shape, per_channel=True, axis=axis)]
    bias = model.constant(np.float32(model.rng.normal(0, 1, 6)))
    if op_type == "Gemm":
        value = model.node("Gemm", *operands, bias, **({"transB": 1} if transposed else {}))
    else:
        value = model.node("Add", model.node("MatMul", *operands), bias)
    graph = load(model.proto(model.quantized(value)))
    assert graph.nodes[0].weight.shape == (6, 3, *size)


@pytest.mark.parametrize("input_type, kind, zero_point", [
    (TensorProto.UINT8, np.uint8, 0), (TensorProto.INT8, np.int8, -128)])
def test_input_of_bytes(load, input_type, kind, zero_point):
    model = Model(kind=kind, zero_point=zero_point, input_type=input_type)
    source = model.node("DequantizeLinear", "image", *model.parameters(1.0))
    graph = load(model.proto(model.quantized(model.conv(source, 4, 3, 1, 1), 20.0)))
    assert (graph.input, graph.tensors[graph.input].scale, graph.tensors[graph.input].zero_point) == ("image", 1.0, 0)


def test_one_value_quantized_twice(load):
    """The same parameters: one node; others: two."""
    model = Model()
    value = model.conv(model.quantized("image"), 4, 3, 1, 1)
    parts = [model.quantized(value), model.quantized(value), model.quantized(value, 0.02)]
    graph = load(model.proto(model.quantized(model.node("Concat", *parts, axis=1))))
    assert kinds(graph).count("Conv") == 2 and graph.tensors[graph.output].channels == 12


def test_stale_branches_are_dropped(load):
    model = Model()
    source = model.quantized("image")
    model.quantized(model.conv(source, 4, 3, 3, 3))
    graph = load(model.proto(model.quantized(model.conv(source, 2, 3, 1, 1))))
    assert kinds(graph) == ["Conv"] and len(graph.tensors) == 2


def test_nodes_in_any_order(load, tmp_path):
    model = Model()
    proto = model.proto(model.quantized(model.conv(model.quantized("image"), 2, 3, 1, 1)))
    straight = load(proto)
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend(reversed(nodes))
    onnx.save(proto, tmp_path / "reversed.onnx")
    image = np.arange(3 * 8 * 9, dtype=np.uint8).reshape(3, 8, 9)
    results = [run(graph, image) for graph in (straight, load_graph(tmp_path / "reversed.onnx"))]
    assert all(np.array_equal(results[0][name], results[1][name]) for name in results[0])


def test_pool_on_stored_values(load):
    """QOperator form: MaxPool reads uint8 itself."""
    model = Model()
    stored = model.node("QuantizeLinear", "image", *model.parameters())
    value = model.node("MaxPool", stored, kernel_shape=[2, 2])
    graph = load(model.proto(model.node("DequantizeLinear", value, *model.parameters())))
    assert isinstance(graph.nodes[0], MaxPool)


def test_rescale_of_the_input_alone(load):
    model = Model()
    graph = load(model.proto(model.quantized(model.quantized("image"), 0.02, 50)))
    assert isinstance(graph.nodes[0], Rescale) and not isinstance(graph.nodes[0], Conv)


def test_float_model_is_refused_in_one_line(tmp_path):
    onnx.save(build("squeezenet1.1", input_size=64), tmp_path / "float.onnx")
    with pytest.raises(ModelError, match=r"^\S+/float\.onnx: a float model, the engine computes with integers; "
                                         r"quantize it first: firelane quantize MODEL --calib IMAGES -o QUANTIZED$"):
        load_graph(tmp_path / "float.onnx")
