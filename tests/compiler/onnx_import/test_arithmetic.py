"""Maps with constants: factors, offsets and clamps by channel, and what ONNX Runtime makes of the same."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.compiler.ir.graph import ChannelScale
from tests.compiler.onnx_import.small_models import Model, kinds, refusal

FACTORS = np.float32([0.5, -1.5, 0])


def quantized_constant(model: Model, array: np.ndarray, scale: float = 0.02) -> list[str]:
    """A constant as `quantize_static` stores it: values, scale and zero point of a whole tensor."""
    stored = np.rint(array / scale) + 100
    return [model.constant(stored.astype(np.uint8)), model.constant(np.float32(scale)), model.constant(np.uint8(100))]


@pytest.mark.parametrize("kind, zero_point", [(np.uint8, 7), (np.int8, -100)])
@pytest.mark.parametrize("shape", [(3, 1, 1), (1, 3, 1, 1)])
@pytest.mark.parametrize("op_type, factors", [("Mul", [1, -1, 0]), ("Add", [127] * 3)])
def test_a_constant_for_each_channel(load, op_type, factors, shape, kind, zero_point):
    model = Model(kind=kind, zero_point=zero_point)
    value = model.node(op_type, model.quantized("image"), model.constant(FACTORS.reshape(shape)))
    graph = load(model.proto(model.quantized(value, 0.04)))
    assert kinds(graph) == ["ChannelScale"] and graph.nodes[0].factors.tolist() == factors


@pytest.mark.parametrize("op_type", ["Mul", "Add"])
def test_a_quantized_constant_before_the_map(load, op_type):
    model = Model()
    constant = model.node("DequantizeLinear", *quantized_constant(model, FACTORS.reshape(3, 1, 1)))
    graph = load(model.proto(model.quantized(model.node(op_type, constant, model.quantized("image")))))
    assert kinds(graph) == ["ChannelScale"]


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1, 1)])
@pytest.mark.parametrize("number, expected", [(0.7, ["Rescale"]), (-0.7, ["ChannelScale"]), (1.0, [])])
def test_one_factor_for_all_channels_is_a_rescale(load, shape, number, expected):
    model = Model()
    value = model.node("Mul", model.quantized("image"), model.constant(np.full(shape, number, np.float32)))
    graph = load(model.proto(model.quantized(model.conv(model.quantized(value), 4, 3, 1, 1))))
    assert kinds(graph) == [*expected, "Conv"]


@pytest.mark.parametrize("quantized_between, expected", [(False, ["ChannelScale"]), (True, ["ChannelScale"] * 2)])
def test_factor_offset_and_clamp_are_one_layer(load, quantized_between, expected):
    """As long as nothing says that the product is rounded."""
    model = Model()
    value = model.node("Mul", model.quantized("image"), model.constant(FACTORS.reshape(3, 1, 1)))
    value = model.quantized(value, 0.06, 90) if quantized_between else value
    value = model.node("Add", value, model.constant(np.float32([0.3, -0.1, 0.2]).reshape(3, 1, 1)))
    value = model.node("Add", value, model.constant(np.float32(0.05)))
    graph = load(model.proto(model.quantized(model.node("Relu", value), 0.04)))
    assert kinds(graph) == expected and graph.nodes[-1].requantize.low == 7


@pytest.mark.parametrize("op_type", ["Mul", "Add"])
def test_a_constant_on_a_flat_vector(load, op_type):
    model = Model()
    value = model.quantized(model.node("GlobalAveragePool", model.quantized("image")), 0.01)
    value = model.node(op_type, model.node("Flatten", value), model.constant(FACTORS))
    graph = load(model.proto(model.quantized(value, 0.02)))
    assert kinds(graph) == ["GlobalAverage", "ChannelScale"]


@pytest.mark.parametrize("op_type", ["QLinearMul", "QLinearAdd"])
@pytest.mark.parametrize("swapped", [False, True])
def test_qlinear_operators_with_a_constant(load, op_type, swapped):
    model = Model()
    stored = model.node("QuantizeLinear", "image", *model.parameters())
    parts = [[stored, *model.parameters()], quantized_constant(model, FACTORS.reshape(1, 3, 1, 1))]
    operands = [name for part in (parts[::-1] if swapped else parts) for name in part]
    value = model.node(op_type, *operands, *model.parameters(0.06, 90), domain="com.microsoft")
    graph = load(model.proto(model.node("DequantizeLinear", value, *model.parameters(0.06, 90))))
    assert kinds(graph) == ["ChannelScale"] and isinstance(graph.nodes[0], ChannelScale)


class TestArithmetic:
    """Constants on either side of Sub and Div."""

    @pytest.mark.parametrize("op_type, first", [("Div", False), ("Sub", False), ("Sub", True)])
    @pytest.mark.parametrize("shape", [(), (3, 1, 1), (1, 3, 1, 1)])
    def test_of_a_map_and_a_constant(self, load, op_type, first, shape):
        model = Model()
        source, constant = model.quantized("image"), model.constant(np.full(shape, 1.7, np.float32))
        value = model.node(op_type, *((constant, source) if first else (source, constant)))
        assert len(load(model.proto(model.quantized(value, 0.06, 120))).nodes) == 1

    def test_channels_last(self, load):
        model = Model(3, 3, 3)
        value = model.node("Transpose", model.quantized("image"), perm=[0, 2, 3, 1])
        value = model.quantized(model.node("Mul", value, model.constant(np.float32([0.5, 1.5, -2]))), 0.1, 100)
        value = model.quantized(model.node("Add", value, model.constant(np.float32([[[1, 2, 3]]]))), 0.1, 100)
        assert len(load(model.proto(value)).nodes) == 2

    @pytest.mark.parametrize("op_type", ["Div", "Sub", "Mul", "Add"])
    def test_normalisation_before_the_first_quantizer(self, op_type, tmp_path):
        model = Model()
        value = model.quantized(model.node(op_type, "image", model.constant(np.float32(255))))
        found = refusal(model.proto(model.quantized(model.conv(value, 4, 3, 1, 1))), tmp_path)
        assert found.startswith(f"node_{op_type.lower()}0 ({op_type}): normalises the input before it is quantized; ")
