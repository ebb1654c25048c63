"""Graphs as exporters and quantizers write them, each made here in its smallest form and held against ONNX Runtime.

The comments name who writes so; the files are those of the front door's cases (issue 17).
"""

from __future__ import annotations

import json

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from firelane.compiler.onnx_import import CHANNELS_LAST, load_graph
from firelane.sim.reference import run
from tests.compiler.onnx_import.small_models import SCALE, Model, int8_weight, kinds, refusal


class TestBrevitas:
    def test_clip_of_integer_weights(self, load):
        """QCDQ with the narrow range."""
        model = Model()
        bounds = [model.constant(np.int8(-127)), model.constant(np.int8(127))]
        stored = model.node("Clip", int8_weight(model, 4, 3, 3, 3), *bounds)
        weight = model.node("DequantizeLinear", stored, model.constant(np.float32(0.01)))
        value = model.node("Conv", model.quantized("image"), weight)
        assert kinds(load(model.proto(model.quantized(value)))) == ["Conv"]

    @pytest.mark.parametrize("kind, bounds, stored", [(np.int8, (-8, 7), (120, 135)), (np.uint8, (0, 15), (0, 15))])
    def test_clip_of_stored_activations(self, load, kind, bounds, stored):
        """4 bits: the clamp behind each activation quantizer."""
        model = Model(kind=kind, zero_point=0)
        parameters = model.parameters()
        value = model.node("QuantizeLinear", model.conv(model.quantized("image"), 4, 3, 1, 1), *parameters)
        value = model.node("Clip", value, *[model.constant(kind(bound)) for bound in bounds])
        graph = load(model.proto(model.node("DequantizeLinear", value, *parameters)))
        assert kinds(graph) == ["Conv"]
        assert (graph.nodes[0].requantize.low, graph.nodes[0].requantize.high) == stored

    def test_relu_of_stored_activations(self, load):
        model = Model(kind=np.int8, zero_point=-5)
        parameters = model.parameters()
        value = model.node("QuantizeLinear", model.conv(model.quantized("image"), 4, 3, 1, 1), *parameters)
        graph = load(model.proto(model.node("DequantizeLinear", model.node("Relu", value), *parameters), 14))
        assert graph.nodes[0].requantize.low == 128


class TestPyTorchFx:
    def test_cast_constant_of_shape_and_shared_scales(self, load):
        """uint8 -> uint8 between Q and DQ; a bias' zero points made by ConstantOfShape and Cast; Identity of scales."""
        model = Model()
        scale, zero_point = model.parameters()
        scale = model.node("Identity", scale)
        steps = np.full(4, np.float32(SCALE) * np.float32(0.01))
        zeros = model.node("ConstantOfShape", model.constant(np.int64([4])),
                           value=numpy_helper.from_array(np.int64([0])))
        bias = model.node("DequantizeLinear", model.constant(np.int32([100, -200, 300, 0])), model.constant(steps),
                          model.node("Cast", zeros, to=TensorProto.INT32), axis=0)
        weight = model.node("DequantizeLinear", int8_weight(model, 4, 3, 1, 1), model.constant(np.float32(0.01)))
        source = model.node("Cast", model.node("QuantizeLinear", "image", scale, zero_point), to=TensorProto.UINT8)
        value = model.node("Conv", model.node("DequantizeLinear", source, scale, zero_point), weight, bias)
        assert kinds(load(model.proto(model.quantized(value)))) == ["Conv"]

    def test_cast_that_changes_the_type(self, tmp_path):
        model = Model()
        stored = model.node("QuantizeLinear", "image", *model.parameters())
        value = model.node("Cast", stored, to=TensorProto.INT8)
        other = [model.constant(np.float32(SCALE)), model.constant(np.int8(0))]
        found = refusal(model.proto(model.quantized(model.node("DequantizeLinear", value, *other))), tmp_path)
        assert found == "node_cast1 (Cast): to int8 of stored uint8; to uint8 or float32 is possible"


class TestTfLite:
    """tf2onnx: channels last at the ends of the graph, operators on stored integers."""

    @pytest.mark.parametrize("order", ["transpose first", "quantize first", "dequantize first", "bytes"])
    def test_input_with_channels_last(self, load, order):
        model = Model(input_type=TensorProto.UINT8 if order == "bytes" else TensorProto.FLOAT)
        shape = model.input.type.tensor_type.shape
        for dim, size in zip(shape.dim, (1, 8, 9, 3)):
            dim.dim_value = size
        parameters, first = model.parameters(), {"perm": [0, 3, 1, 2]}
        if order == "transpose first":
            value = model.quantized(model.node("Transpose", "image", **first))
        elif order == "dequantize first":
            value = model.node("Transpose", model.quantized("image"), **first)
        else:
            value = "image" if order == "bytes" else model.node("QuantizeLinear", "image", *parameters)
            value = model.node("DequantizeLinear", model.node("Transpose", value, **first), *parameters)
        graph = load(model.proto(model.quantized(model.conv(value, 4, 3, 3, 3))))
        assert graph.tensors[graph.input].shape == (3, 8, 9) and kinds(graph) == ["Conv"]
        assert "image" in json.loads(graph.metadata[CHANNELS_LAST])

    @pytest.mark.parametrize("dims, order", [
        ((4, 4, 4), [1, 0, 2, 3]), ((4, 1, 4), [0, 2, 1, 3]), ((4, 1, 1), [1, 0, 2, 3]), ((1, 4, 4), [0, 2, 3, 1])])
    def test_sizes_of_1_change_places(self, dims, order, load):
        """No value moves, also where the new shape could be that of channels last."""
        model = Model(*dims)
        value = model.quantized(model.conv(model.quantized("image"), dims[0], dims[0], 1, 1))
        load(model.proto(model.quantized(model.node("Transpose", value, perm=order))))

    def test_sizes_of_1_that_make_rows_of_channels(self, tmp_path):
        """Of 5 channels of 1 x 5: what is then turned to channels first has its channels as columns."""
        model = Model(5, 1, 5)
        value = model.node("Transpose", model.quantized("image"), perm=[0, 2, 1, 3])
        value = model.node("Transpose", value, perm=[0, 3, 1, 2])
        found = refusal(model.proto(model.quantized(model.conv(value, 4, 5, 1, 1))), tmp_path)
        assert "input of shape [1, 5, 1, 5] has its channels last" in found

    def test_channels_last_inside(self, load):
        """Concat along the last axis, and a result with channels last."""
        model = Model()
        source = model.quantized("image")
        parts = [model.node("Transpose", model.quantized(model.conv(source, channels, 3, 1, 1)), perm=[0, 2, 3, 1])
                 for channels in (4, 2)]
        whole = model.quantized(model.node("Concat", *parts, axis=3))
        value = model.quantized(model.conv(model.node("Transpose", whole, perm=[0, 3, 1, 2]), 5, 6, 1, 1))
        graph = load(model.proto(model.quantized(model.node("Transpose", value, perm=[0, 2, 3, 1]), 0.04)))
        assert kinds(graph).count("Concat") == 1 and graph.tensors[graph.output].shape == (5, 8, 9)

    @pytest.mark.parametrize("average", ["GlobalAveragePool", "ReduceMean"])
    def test_flat_vector_of_a_map_with_channels_last(self, load, average):
        model = Model(3, 2, 3)
        value = model.node("Transpose", model.quantized("image"), perm=[0, 2, 3, 1])
        if average == "ReduceMean":
            value = model.quantized(model.node("ReduceMean", value, axes=[1, 2], keepdims=0))
        else:
            value = model.node("Reshape", value, model.constant(np.int64([1, 18])))
        inputs = 3 if average == "ReduceMean" else 18
        graph = load(model.proto(model.quantized(model.node("MatMul", value, model.weight(inputs, 5)), 2.0)))
        assert graph.tensors[graph.output].shape == (5, 1, 1)

    def test_a_convolution_of_channels_last(self, tmp_path):
        model = Model(8, 8, 8)
        value = model.node("Transpose", model.quantized("image"), perm=[0, 2, 3, 1])
        found = refusal(model.proto(model.quantized(model.conv(value, 4, 8, 1, 1))), tmp_path)
        assert "has its channels last; export with (1, channels, rows, columns) throughout" in found

    def test_concat_of_stored_values(self, load):
        model = Model(kind=np.int8, zero_point=-3)
        source, parameters = model.quantized("image"), model.parameters()
        parts = [model.node("QuantizeLinear", model.conv(source, count, 3, 1, 1), *parameters) for count in (4, 2)]
        whole = model.node("Concat", *parts, axis=1)
        value = model.quantized(model.conv(model.node("DequantizeLinear", whole, *parameters), 3, 6, 1, 1))
        assert load(model.proto(value)).nodes[-1].weight.shape == (3, 6, 1, 1)

    def test_concat_of_stored_values_of_two_scales(self, tmp_path):
        model = Model()
        source = model.quantized("image")
        parts = [model.node("QuantizeLinear", model.conv(source, 4, 3, 1, 1), *model.parameters(scale))
                 for scale in (SCALE, 2 * SCALE)]
        whole = model.node("DequantizeLinear", model.node("Concat", *parts, axis=1), *model.parameters())
        assert "joins stored integers of different scales or zero points; dequantize each part" in refusal(
            model.proto(whole), tmp_path)

    @pytest.mark.parametrize("per_channel", [False, True])
    def test_weights_transposed_after_dequantization(self, load, per_channel):
        model = Model()
        weight = model.weight(3, 3, 3, 8, per_channel=per_channel, axis=3)
        weight = model.node("Transpose", weight, perm=[3, 2, 0, 1])
        assert load(model.proto(model.quantized(model.node("Conv", model.quantized("image"), weight), 0.5))).nodes

    def test_depthwise_weights_reshaped_after_dequantization(self, load):
        model = Model(4)
        weight = model.node("Transpose", model.weight(3, 3, 4, 1, per_channel=True, axis=2), perm=[2, 3, 0, 1])
        weight = model.node("Reshape", weight, model.constant(np.int64([4, 1, 3, 3])))
        value = model.node("Conv", model.quantized("image"), weight, group=4)
        assert load(model.proto(model.quantized(value, 0.3))).nodes[0].groups == 4

    def test_reshape_that_tears_channels_apart(self, tmp_path):
        model = Model(4)
        shape = model.constant(np.int64([2, 2, 3, 3]))
        weight = model.node("Reshape", model.weight(4, 1, 9, 1, per_channel=True), shape)
        found = refusal(model.proto(model.quantized(model.node("Conv", model.quantized("image"), weight))), tmp_path)
        assert "reshapes weights that have a scale for each channel; quantize after the reshape" in found


class TestOnnxRuntime:
    @pytest.mark.parametrize("kind, low, high", [(ml_dtypes.int4, -8, 8), (ml_dtypes.uint4, 0, 16)])
    def test_weights_of_4_bits(self, load, kind, low, high):
        model = Model()
        integers = model.rng.integers(low, high, (4, 3, 3, 3)).astype(kind)
        zero = model.constant(np.full(4, (low + high) // 2).astype(kind))
        weight = model.node("DequantizeLinear", model.constant(integers), model.constant(np.full(4, np.float32(0.05))),
                            zero, axis=0)
        graph = load(model.proto(model.quantized(model.node("Conv", model.quantized("image"), weight)), 21))
        assert np.array_equal(graph.nodes[0].weight, integers.astype(int) - (low + high) // 2)

    def test_activations_of_4_bits(self, tmp_path):
        model = Model()
        parameters = [model.constant(np.float32(0.1)), model.constant(np.array(0, ml_dtypes.int4))]
        value = model.node("DequantizeLinear", model.node("QuantizeLinear", "image", *parameters), *parameters)
        found = refusal(model.proto(model.quantized(model.conv(value, 4, 3, 1, 1)), 21), tmp_path)
        assert "activations are int4; int8 and uint8 are possible" in found

    @pytest.mark.parametrize("kind", ["INT16", "UINT16", "INT4", "UINT4", "FLOAT8E4M3FN"])
    @pytest.mark.parametrize("constant", [False, True])
    def test_output_dtype_of_other_than_8_bits(self, kind, constant, tmp_path):
        """Without a zero point it alone says the type, of activations and of weights that the model quantizes."""
        number = getattr(TensorProto, kind)
        found = refusal(output_dtype_model(number, constant), tmp_path)
        name = helper.tensor_dtype_to_np_dtype(number).name
        assert found.endswith(f"(QuantizeLinear): output_dtype is {name}; int8 and uint8 are possible")

    @pytest.mark.parametrize("kind", [TensorProto.INT8, TensorProto.UINT8])
    def test_output_dtype_of_8_bits(self, kind, load):
        graph = load(output_dtype_model(kind, False))
        assert graph.tensors[graph.output].zero_point == (128 if kind == TensorProto.INT8 else 0)

    def test_output_dtype_of_weights(self, load):
        assert load(output_dtype_model(TensorProto.INT8, True)).nodes[0].weight.min() < 0

    def test_output_dtype_that_contradicts_the_zero_point(self, tmp_path):
        model = Model()
        value = model.node("QuantizeLinear", "image", *model.parameters(), output_dtype=TensorProto.INT8)
        found = refusal(model.proto(model.node("DequantizeLinear", value, *model.parameters()), 21), tmp_path)
        assert "output_dtype INT8 does not match y_zero_point type UINT8" in found

    def test_average_without_a_quantizer_behind_it(self, tmp_path):
        """OpTypesToExcludeOutputQuantization: it keeps the quantization of what it averages."""
        model = Model()
        proto = model.proto(model.node("Flatten", model.node("GlobalAveragePool", model.quantized("image"))))
        onnx.save(proto, tmp_path / "m.onnx")
        graph = load_graph(tmp_path / "m.onnx")
        result, image = graph.tensors[graph.output], model.rng.integers(0, 256, (3, 8, 9), dtype=np.uint8)
        session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
        theirs = session.run(None, {"image": (image[None] - np.float32(7)) * np.float32(SCALE)})[0].reshape(-1)
        ours = (run(graph, image)[graph.output].reshape(-1) - 7.0) * SCALE
        assert (result.scale, result.zero_point) == (pytest.approx(SCALE), 7)
        assert np.abs(ours - theirs).max() <= 0.51 * SCALE

    def test_last_layer_left_float(self, tmp_path):
        model = Model()
        found = refusal(model.proto(model.conv(model.quantized("image"), 4, 3, 1, 1)), tmp_path)
        assert found.endswith("is not quantized; quantize the whole network: firelane quantize MODEL --calib IMAGES -o "
                              "QUANTIZED adds what is missing")

    def test_bias_between_the_steps_of_the_accumulator(self, tmp_path):
        model = Model()
        weight = model.node("DequantizeLinear", int8_weight(model, 4, 3, 1, 1), model.constant(np.float32(6703.9)))
        value = model.node("Conv", model.quantized("image"), weight, model.constant(np.float32([3, 50, 70, 10])))
        found = refusal(model.proto(model.quantized(value)), tmp_path)
        assert "its bias is not a multiple of scale_x * scale_w, the accumulator's step: the result would be " in found


def output_dtype_model(kind: int, constant: bool) -> onnx.ModelProto:
    """A convolution whose weights, or else whose result, are quantized with `output_dtype` and no zero point."""
    model = Model()
    scale = model.constant(np.float32(0.01 if constant else SCALE))
    given = model.constant(np.float32(model.rng.uniform(-1, 1, (4, 3, 1, 1)))) if constant else \
        model.conv(model.quantized("image"), 4, 3, 1, 1)
    value = model.node("QuantizeLinear", given, scale, output_dtype=kind)
    value = model.node("DequantizeLinear", value, scale)
    if constant:
        value = model.quantized(model.node("Conv", model.quantized("image"), value))
    return model.proto(value, 21)


class TestConstants:
    @pytest.mark.parametrize("attribute", ["value_float", "value_floats", "value"])
    def test_bounds_of_a_clip(self, load, attribute):
        model = Model()
        bounds = []
        for number in (-0.2, 1.5):
            held = {"value_float": number, "value_floats": [number],
                    "value": numpy_helper.from_array(np.float32(number))}[attribute]
            name = f"bound{number}"
            model.nodes.append(helper.make_node("Constant", [], [name], **{attribute: held}))
            bounds.append(model.node("Squeeze", name) if attribute == "value_floats" else name)
        value = model.node("Clip", model.conv(model.quantized("image"), 4, 3, 1, 1), *bounds)
        requantize = load(model.proto(model.quantized(value, 0.01, 100))).nodes[0].requantize
        assert (requantize.low, requantize.high) == (80, 250)

    @pytest.mark.parametrize("attribute, held", [("value_string", "x"), ("value_strings", ["x"])])
    def test_text(self, attribute, held, tmp_path):
        model = Model()
        model.nodes.append(helper.make_node("Constant", [], ["text"], **{attribute: held}))
        found = refusal(model.proto(model.quantized(model.conv(model.quantized("image"), 4, 3, 1, 1))), tmp_path)
        assert found.startswith(f"text (Constant): its value is {attribute}; value, value_float, ")

    def test_sparse(self, tmp_path):
        model = Model()
        values = helper.make_tensor("v", TensorProto.FLOAT, [1], [2.0])
        sparse = helper.make_sparse_tensor(values, helper.make_tensor("i", TensorProto.INT64, [1], [0]), [1])
        model.nodes.append(helper.make_node("Constant", [], ["sparse"], sparse_value=sparse))
        found = refusal(model.proto(model.quantized(model.conv(model.quantized("image"), 4, 3, 1, 1))), tmp_path)
        assert found.startswith("sparse (Constant): its value is sparse_value; ")

    @pytest.mark.parametrize("attributes, rest", [
        ({"start": 0, "end": 1}, [-1]), ({"end": -2}, []), ({"start": -3}, None)])
    def test_part_of_a_shape(self, load, attributes, rest):
        model = Model(8, 2, 2)
        value = model.quantized(model.node("GlobalAveragePool", model.quantized("image")), 0.02)
        sizes = model.node("Shape", value, **attributes)
        if rest is None:                                 # 8, 1, 1
            sizes = model.node("Concat", model.constant(np.int64([1])), sizes, axis=0)
            value = model.node("Flatten", model.node("Reshape", value, sizes))
        else:
            sizes = model.node("Concat", sizes, model.constant(np.int64(rest)), axis=0) if rest else sizes
            value = model.node("Reshape", value, sizes)
        graph = load(model.proto(model.quantized(model.node("Gemm", value, model.weight(8, 5)), 0.3), 15))
        assert graph.tensors[graph.output].shape == (5, 1, 1)


class TestDilation:
    @pytest.mark.parametrize("dilations, group", [([2, 2], 1), ([1, 3], 1), ([2, 1], 3)])
    def test_is_a_sparse_larger_kernel(self, load, dilations, group):
        model = Model()
        value = model.conv(model.quantized("image"), 6, 3 // group, 3, 3, dilations=dilations, group=group,
                           pads=[dilations[0], dilations[1]] * 2)
        graph = load(model.proto(model.quantized(value, 0.3)))
        assert graph.nodes[0].window.kernel == tuple(2 * step + 1 for step in dilations)
        assert np.count_nonzero(graph.nodes[0].weight.any(axis=(0, 1))) == 9

    def test_in_qoperator_form(self, load):
        model = Model()
        stored = model.node("QuantizeLinear", "image", *model.parameters())
        weights = [int8_weight(model, 4, 3, 2, 2), model.constant(np.float32(0.01)), model.constant(np.int8(0))]
        ends = model.parameters(0.2)
        value = model.node("QLinearConv", stored, *model.parameters(), *weights, *ends, dilations=[2, 2],
                           auto_pad="VALID")
        graph = load(model.proto(model.node("DequantizeLinear", value, *ends)))
        assert graph.nodes[0].weight.shape == (4, 3, 3, 3)


class TestFlatten:
    def test_more_than_the_engine_reaches(self, tmp_path):
        model = Model(3, 5, 5)
        value = model.node("Gemm", model.node("Flatten", model.quantized("image")), model.weight(75, 4))
        found = refusal(model.proto(model.quantized(value)), tmp_path)
        assert "(Gemm): a map of 5 x 5 is flattened before a fully connected layer; at most 4 x 4 is " in found

    def test_concat_of_flat_vectors(self, load):
        model = Model()
        value = model.quantized("image")
        parts = [model.node("Flatten", model.quantized(model.node("GlobalAveragePool", value), scale))
                 for scale in (0.02, 0.03)]
        value = model.node("Gemm", model.quantized(model.node("Concat", *parts, axis=1)), model.weight(6, 4))
        assert load(model.proto(model.quantized(value, 0.3))).tensors


def test_cast_of_bytes_is_dequantization(load):
    """An input of bytes, and Cast to float in the graph: scale 1."""
    model = Model(input_type=TensorProto.UINT8)
    value = model.conv(model.node("Cast", "image", to=TensorProto.FLOAT), 4, 3, 1, 1)
    graph = load(model.proto(model.quantized(value, 8.0)))
    assert (graph.tensors["image"].scale, graph.tensors["image"].zero_point) == (1.0, 0)
