"""LeakyReLU, PReLU, Max and Min: what they become, beside ONNX Runtime."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from firelane.compiler.ir.graph import Maximum
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.support.errors import FirelaneError
from firelane.sim.validate import validate
from tests.compiler.onnx_import.small_models import Model, kinds


class TestLeakyRelu:
    @pytest.mark.parametrize("scale, layers", [(0.05, 2), (0.03, 3)])
    @pytest.mark.parametrize("kind, zero_point", [(np.uint8, 90), (np.int8, -20)])
    @pytest.mark.parametrize("alpha", [0.01, 0.3, -0.2])
    def test_of_a_quantized_map(self, load, scale, layers, kind, zero_point, alpha):
        model = Model(kind=kind, zero_point=zero_point)
        value = model.node("LeakyRelu", model.quantized("image"), alpha=alpha)
        graph = load(model.proto(model.quantized(value, scale)))
        assert kinds(graph)[-1] == "Maximum" and len(graph.nodes) == layers

    def test_joins_nothing_where_the_convolution_is_not_rounded(self, load):
        """The convolution is computed twice, with a clamp behind in both."""
        model = Model()
        value = model.node("LeakyRelu", model.conv(model.quantized("image"), 4, 3, 3, 3), alpha=0.25)
        value = model.node("Clip", value, model.constant(np.float32(-0.5)), model.constant(np.float32(2)))
        graph = load(model.proto(model.quantized(value, 0.02, 60)))
        assert kinds(graph) == ["Conv", "Conv", "Maximum"]
        assert [(node.requantize.low, node.requantize.high) for node in graph.nodes[:2]] == [(35, 160)] * 2

    def test_of_slope_0_is_relu(self, load):
        model = Model()
        value = model.node("LeakyRelu", model.conv(model.quantized("image"), 4, 3, 3, 3), alpha=0.0)
        assert kinds(load(model.proto(model.quantized(value, 0.2)))) == ["Conv"]

    def test_in_qoperator_form(self, load):
        model = Model()
        stored, ends = model.node("QuantizeLinear", "image", *model.parameters(0.05, 100)), model.parameters(0.04, 60)
        value = model.node("QLinearLeakyRelu", stored, *model.parameters(0.05, 100), *ends, domain="com.microsoft",
                           alpha=0.2)
        graph = load(model.proto(model.node("DequantizeLinear", value, *ends)))
        assert kinds(graph) == ["Rescale", "Rescale", "Maximum"]

    def test_slope_above_1(self, tmp_path):
        model = Model()
        value = model.quantized(model.node("LeakyRelu", model.quantized("image"), alpha=1.5))
        onnx.save(model.proto(value), tmp_path / "m.onnx")
        with pytest.raises(FirelaneError, match=r"\(LeakyRelu\): slope 1.5 of channel 0; at most 1 is possible: clip"):
            load_graph(tmp_path / "m.onnx")


class TestPRelu:
    @pytest.mark.parametrize("slopes", [[0.1, 0.25, -0.3], [0.0, 0.5, 1.0], [0.2]])
    def test_of_a_quantized_map(self, load, slopes):
        model = Model(zero_point=100)
        slope = model.constant(np.float32(slopes).reshape(-1, 1, 1))
        graph = load(model.proto(model.quantized(model.node("PRelu", model.quantized("image"), slope), 0.03)))
        assert isinstance(graph.nodes[-1], Maximum)

    @pytest.mark.parametrize("slopes", [[0.1, 0.25, -0.3, 0.0], [0.2]])
    def test_where_the_convolution_is_not_rounded(self, load, slopes):
        model = Model()
        value = model.conv(model.quantized("image"), 4, 3, 3, 3, bias=model.constant(np.float32([0.3, -1, 0.5, 0.2])))
        value = model.node("PRelu", value, model.constant(np.float32(slopes).reshape(-1, 1, 1)))
        assert kinds(load(model.proto(model.quantized(value, 0.02, 60)))) == ["Conv", "Conv", "Maximum"]

    def test_weights_without_an_opposite(self, tmp_path):
        model = Model()
        value = model.conv(model.quantized("image"), 4, 3, 1, 1)
        model.constants[2].CopyFrom(numpy_helper.from_array(np.full((4, 3, 1, 1), -128, np.int8),
                                                            model.constants[2].name))
        value = model.node("PRelu", value, model.constant(np.float32([[[-0.1]]])))
        onnx.save(model.proto(model.quantized(value)), tmp_path / "m.onnx")
        with pytest.raises(FirelaneError, match=r"weights of -128 times a slope below 0; quantize the result of the"):
            load_graph(tmp_path / "m.onnx")

    def test_slopes_that_are_computed(self, tmp_path):
        model = Model(3, 4, 4)
        source = model.quantized("image")
        slope = model.quantized(model.node("GlobalAveragePool", source), 0.02)
        onnx.save(model.proto(model.quantized(model.node("PRelu", source, slope))), tmp_path / "m.onnx")
        with pytest.raises(FirelaneError, match=r"\(PRelu\): its slopes are not constant; constants are possible"):
            load_graph(tmp_path / "m.onnx")


class TestMaxAndMin:
    def test_of_two_maps(self, load):
        model = Model(zero_point=80)
        source = model.quantized("image")
        value = model.node("Max", source, model.node("Mul", source, model.constant(np.float32(0.1))))
        assert kinds(load(model.proto(model.quantized(value, 0.05)))) == ["Rescale", "Maximum"]

    @pytest.mark.parametrize("kind, number, bounds", [("Max", 0.0, (7, 255)), ("Min", 6.0, (0, 127))])
    @pytest.mark.parametrize("first", [False, True])
    def test_of_a_map_and_a_number(self, load, kind, number, bounds, first):
        model = Model()
        operands = [model.conv(model.quantized("image"), 4, 3, 1, 1), model.constant(np.float32(number))]
        (node,) = load(model.proto(model.quantized(model.node(kind, *operands[::-1 if first else 1])))).nodes
        assert (node.requantize.low, node.requantize.high) == bounds

    def test_of_stored_values_and_a_number(self, load):
        model = Model(kind=np.int8, zero_point=-5)
        stored = model.node("QuantizeLinear", model.conv(model.quantized("image"), 4, 3, 1, 1), *model.parameters())
        value = model.node("Max", stored, model.constant(np.int8(-5)))
        graph = load(model.proto(model.node("DequantizeLinear", value, *model.parameters())))
        assert kinds(graph) == ["Conv"] and graph.nodes[0].requantize.low == 123

    @pytest.mark.parametrize("kind, count, found", [
        ("Min", 2, r"\(Min\): the smaller of two maps; a map and a number are possible"),
        ("Max", 3, r"\(Max\): the largest of 3 maps; two are possible")])
    def test_what_is_refused(self, kind, count, found, tmp_path):
        model = Model()
        source = model.quantized("image")
        onnx.save(model.proto(model.quantized(model.node(kind, *[source] * count))), tmp_path / "m.onnx")
        with pytest.raises(FirelaneError, match=found):
            load_graph(tmp_path / "m.onnx")

    def test_of_maps_of_two_sizes(self, tmp_path):
        model = Model()
        source = model.quantized("image")
        other = model.quantized(model.node("GlobalAveragePool", source))
        onnx.save(model.proto(model.quantized(model.node("Max", source, other))), tmp_path / "m.onnx")
        with pytest.raises(FirelaneError, match=r"\(Max\): compares shapes \[1, 3, 8, 9\] and \[1, 3, 1, 1\]; equal"):
            load_graph(tmp_path / "m.onnx")


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(0, 2 ** 32 - 1))
def test_random_slopes_and_scales(seed):
    """Every stored value, through any slope, scales and zero points: at most one step from ONNX Runtime."""
    rng = np.random.default_rng(seed)
    model = Model(4, 16, 16, kind=[np.uint8, np.int8][rng.integers(2)])
    low = 0 if model.kind is np.uint8 else -128
    scale, result = rng.uniform(0.001, 0.2), rng.uniform(0.3, 3)
    value = model.quantized("image", scale, int(rng.integers(low, low + 256)))
    slopes = rng.uniform(-1, 1, 4) if rng.random() < 0.5 else np.abs(rng.normal(0.1, 0.2, 4)).clip(0, 1)
    value = model.node("PRelu", value, model.constant(np.float32(slopes).reshape(4, 1, 1)))
    proto = model.proto(model.quantized(value, scale * result, int(rng.integers(low, low + 256))))
    every = np.broadcast_to(np.arange(256, dtype=np.uint8).reshape(16, 16), (4, 16, 16))
    agreement = validate(load_graph(proto), proto, [every] * 3)
    assert agreement.values and agreement.differing <= 0.05 * agreement.values
