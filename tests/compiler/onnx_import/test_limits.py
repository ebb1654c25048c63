"""Small files that would take hours or all memory: refused at once, or read in linear time without recursion."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from firelane.compiler.ir import limits
from firelane.compiler.lower import lower
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.onnx_import.problems import ModelErrors
from firelane.compiler.onnx_import.propagated import worth_propagating
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.schedule.order import order_steps
from firelane.compiler.schedule.steps import all_steps
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.problems import LISTED_MAX
from firelane.hw.contract.config import EngineConfig
from tests.compiler.onnx_import.small_models import Model


def save(model: onnx.ModelProto, folder):
    onnx.save(model, folder / "m.onnx")
    return folder / "m.onnx"


def refusal(model: onnx.ModelProto, folder) -> str:
    with pytest.raises(FirelaneError) as caught:
        load_graph(save(model, folder))
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(folder), "")


class TestDepth:
    def test_a_deep_network(self, tmp_path):
        """Import, lowering and order of steps; Python's limit is 1000 calls."""
        model = Model(4, 4, 4)
        value = model.quantized("image")
        weight = model.weight(4, 4, 1, 1)
        parameters = model.parameters()
        for _ in range(1200):
            stored = model.node("QuantizeLinear", model.node("Conv", value, weight), *parameters)
            value = model.node("DequantizeLinear", stored, *parameters)
        graph = load_graph(save(model.proto(value), tmp_path))
        network = lower(graph, EngineConfig())
        steps = all_steps(network, EngineConfig())
        assert len(graph.nodes) == 1200 and len(order_steps(network, steps)) == len(steps)

    @pytest.mark.parametrize("op_type, attributes", [("MaxPool", {"kernel_shape": [1, 1]}), ("Concat", {"axis": 1})])
    def test_a_chain_without_quantization(self, op_type, attributes, tmp_path):
        model = Model(4, 4, 4)
        value = model.conv(model.quantized("image"), 4, 4, 1, 1)
        for _ in range(1200):
            value = model.node(op_type, value, **attributes)
        found = refusal(model.proto(model.quantized(value)), tmp_path)
        assert f"({op_type}): 65 pools and concatenations without a quantization between; at most 64 are" in found

    def test_nodes_in_reverse(self, tmp_path):
        model = Model(4, 4, 4)
        value = model.quantized("image")
        for _ in range(20_000):
            value = model.node("Identity", value)
        proto = model.proto(model.quantized(model.conv(value, 4, 4, 1, 1)))
        nodes = list(proto.graph.node)
        del proto.graph.node[:]
        proto.graph.node.extend(reversed(nodes))
        assert len(load_graph(save(proto, tmp_path)).nodes) == 1

    def test_one_name_for_all(self, tmp_path):
        """A counter makes them unique, not a search from the beginning."""
        model = Model(4, 4, 4)
        value = model.quantized("image")
        weight, parameters = model.weight(4, 4, 1, 1), model.parameters()
        for _ in range(300):
            stored = model.node("QuantizeLinear", model.node("Conv", value, weight), *parameters)
            value = model.node("DequantizeLinear", stored, *parameters)
        proto = model.proto(value)
        for node in proto.graph.node:
            node.name = "same"
        assert load_graph(save(proto, tmp_path)).nodes[-1].name == "same#300"

    def test_too_many_nodes(self, tmp_path):
        model = Model(4, 4, 4)
        value = model.quantized("image")
        for _ in range(limits.NODES_MAX):
            value = model.node("Identity", value)
        assert "32770 nodes; at most 32768 are possible" in refusal(model.proto(value), tmp_path)


class TestWidth:
    @pytest.mark.parametrize("quantized", [True, False])
    def test_maps_that_double(self, quantized, tmp_path):
        model = Model(4, 4, 4)
        value = model.quantized("image")
        value = value if quantized else model.conv(value, 4, 4, 1, 1)
        for _ in range(40):
            value = model.node("Concat", value, value, axis=1)
        found = refusal(model.proto(model.quantized(model.node("GlobalAveragePool", value) if quantized else value)),
                        tmp_path)
        assert "(Concat): makes 8,192 channels; at most 4,096 are possible" in found

    def test_a_part_that_is_there_twice_is_computed_once(self, load):
        model = Model(4, 4, 4)
        value = model.conv(model.quantized("image"), 4, 4, 1, 1)
        for _ in range(5):
            value = model.node("Concat", value, value, axis=1)
        graph = load(model.proto(model.quantized(value)))
        assert [type(node).__name__ for node in graph.nodes].count("Conv") == 1

    @pytest.mark.parametrize("shape, found", [
        ((1, 8192, 27), "8,192 x 27 pixels; at most 4,096 rows and columns are possible"),
        ((5000, 2, 2), "5,000 channels; at most 4,096 are possible"),
        ((1024, 1024, 1024), "1,073,741,824 values; at most 16,777,216 in a map are possible")])
    def test_large_inputs(self, shape, found, tmp_path):
        model = Model(*shape)
        assert refusal(model.proto(model.quantized("image")), tmp_path) == (
            f"input image: shape [1, {', '.join(map(str, shape))}]: {found}")

    def test_padding_that_makes_a_map_huge(self, tmp_path):
        model = Model(4, 4000, 30)
        value = model.conv(model.quantized("image"), 4, 4, 1, 1, pads=[100, 0, 100, 0])
        found = refusal(model.proto(model.quantized(value)), tmp_path)
        assert "(Conv): makes 4,200 x 30 pixels; at most 4,096 rows" in found

    def test_many_problems(self, tmp_path):
        """Each of 300 is found; 20 are listed."""
        model = Model()
        value = model.conv(model.quantized("image"), 4, 3, 1, 1)
        for _ in range(300):
            value = model.node("Erf", value)
        with pytest.raises(ModelErrors) as caught:
            load_graph(save(model.proto(model.quantized(value)), tmp_path))
        assert len(caught.value.problems) == 300 and len(caught.value.further) == LISTED_MAX
        assert caught.value.further[-1].where == "280 more problems"


class TestFolding:
    def constant_node(self, model: Model, op_type: str, *inputs: str, **attributes) -> onnx.ModelProto:
        model.node(op_type, *inputs, **attributes)
        return model.proto(model.quantized(model.conv(model.quantized("image"), 4, 3, 1, 1)))

    def test_a_sum_that_grows_by_broadcasting(self, tmp_path):
        model = Model()
        rows, columns = (model.constant(np.zeros(shape, np.float32)) for shape in ((1 << 15, 1), (1, 1 << 15)))
        assert "constants are too large when they are computed; at most 16,777,216 numbers" in refusal(
            self.constant_node(model, "Add", rows, columns), tmp_path)

    def test_results_add_up(self, tmp_path):
        model = Model()
        a = model.constant(np.zeros((1 << 11, 1), np.float32))
        b = model.constant(np.zeros((1, 1 << 11), np.float32))
        for _ in range(4):
            model.node("Add", a, b)
        assert "constants are too large when" in refusal(self.constant_node(model, "Add", a, b), tmp_path)

    @pytest.mark.parametrize("op_type, inputs", [
        ("ConstantOfShape", [[1 << 13, 1 << 13]]), ("Expand", [[0], [1 << 13, 1 << 13]]),
        ("Gather", [[[0] * 4096], [0] * 8192])])
    def test_a_large_result_of_small_inputs(self, op_type, inputs, tmp_path):
        model = Model()
        names = [model.constant(np.array(value, np.int64)) for value in inputs]
        assert "constants are too large when" in refusal(self.constant_node(model, op_type, *names), tmp_path)

    def test_numbers_as_text(self, tmp_path):
        model = Model()
        found = refusal(self.constant_node(model, "Cast", model.constant(np.zeros(9, np.float32)),
                                           to=TensorProto.STRING), tmp_path)
        assert "(Cast): makes text of numbers; numbers are possible" in found

    def test_a_result_that_is_not_finite(self, tmp_path):
        model = Model()
        zero = model.constant(np.float32(0))
        found = refusal(self.constant_node(model, "Div", zero, zero), tmp_path)
        assert "(Div): its result is not finite numbers" in found

    @pytest.mark.parametrize("kind", [np.float32, np.int64])
    def test_lists_that_double(self, kind, tmp_path):
        model = Model()
        value = model.constant(np.zeros(8, kind))
        for _ in range(40):
            value = model.node("Concat", value, value, axis=0)
        found = refusal(self.constant_node(model, "Concat", value, value, axis=0), tmp_path)
        assert "(Concat): constants are too large when they are computed" in found

    def test_lists_whose_first_shape_is_computed(self, tmp_path):
        """Inference without data does not know how long they are: they count by what they are made of."""
        model = Model()
        stop = model.node("Identity", model.constant(np.array([8])))
        value = model.node("Slice", model.constant(np.zeros(9, np.int64)), model.constant(np.array([0])), stop)
        for _ in range(30):
            value = model.node("Concat", value, value, axis=0)
        found = refusal(self.constant_node(model, "Concat", value, value, axis=0), tmp_path)
        assert "(Concat): constants are too large when they are computed" in found

    def test_values_are_followed_as_long_as_they_are_few(self):
        """ONNX holds some 50 bytes for each."""
        def worth(length: int) -> bool:
            model = Model()
            value = model.node("Add", *[model.constant(np.zeros(length, np.int64))] * 2)
            proto = model.proto(model.node("Reshape", "image", value), opset=17)
            return worth_propagating(proto, {value: (length,)})
        assert worth(4) and worth(limits.PROPAGATED_MAX) and not worth(limits.PROPAGATED_MAX + 1)

    def test_values_are_followed_where_a_shape_is_missing_only(self):
        model = Model()
        proto = model.proto(model.node("Relu", "image"))
        assert not worth_propagating(proto, {proto.graph.node[0].output[0]: (1, 3, 8, 9)})
        assert worth_propagating(proto, {})

    def test_a_float_model(self, tmp_path):
        """Before ONNX Runtime folds it."""
        model = Model()
        value = model.constant(np.zeros(8, np.float32))
        for _ in range(24):
            value = model.node("Concat", value, value, axis=0)
        weight = model.constant(np.zeros((4, 3, 1, 1), np.float32))
        with pytest.raises(FirelaneError, match=r"\(Concat\): constants are too large when"):
            read_float_model(save(model.proto(model.node("Conv", "image", weight)), tmp_path))


class TestFloatModels:
    """ONNX Runtime's quantizer takes time with the square of the nodes."""

    def network(self, value: str, model: Model) -> onnx.ModelProto:
        weight = model.constant(np.full((4, 3, 1, 1), 0.1, np.float32))
        return model.proto(model.node("Conv", value, weight))

    def test_many_nodes(self, tmp_path):
        model = Model()
        value = "image"
        for _ in range(limits.FLOAT_NODES_MAX):
            value = model.node("Relu", value)
        with pytest.raises(FirelaneError, match="m.onnx: 1025 nodes; at most 1024 are possible"):
            read_float_model(save(self.network(value, model), tmp_path))

    def test_constants_do_not_count(self, tmp_path):
        model = Model()
        for _ in range(limits.FLOAT_NODES_MAX + 1):
            model.nodes.append(helper.make_node("Constant", [], [f"one{len(model.nodes)}"], value_float=1.0))
        assert len(read_float_model(save(self.network("image", model), tmp_path)).graph.node) == 1

    def test_one_sum_of_many(self, tmp_path):
        model = Model()
        value = model.node("Sum", *["image"] * (limits.QUANTIZED_NODES_MAX + 1))
        with pytest.raises(FirelaneError, match="rewritten for quantization: 601 nodes; at most 600 are possible"):
            read_float_model(save(self.network(value, model), tmp_path))


def test_a_shape_of_a_huge_initializer(tmp_path):
    model = Model()
    proto = model.proto(model.quantized(model.conv(model.quantized("image"), 4, 3, 1, 1)))
    proto.graph.initializer.append(helper.make_tensor("huge", TensorProto.FLOAT, [0], []))
    proto.graph.initializer[-1].dims[:] = [1 << 40, 1 << 40]
    assert "huge" in refusal(proto, tmp_path)


class TestPasses:
    """What cleans up after the import is linear, or nearly, and needs no recursion either."""

    def test_maps_joined_one_by_one(self, tmp_path):
        model = Model(1, 4, 4)
        weight, parameters = model.weight(1, 1, 1, 1), model.parameters()
        source = whole = model.quantized("image")
        for _ in range(1200):
            stored = model.node("QuantizeLinear", model.node("Conv", source, weight), *parameters)
            whole = model.node("Concat", whole, model.node("DequantizeLinear", stored, *parameters), axis=1)
        graph = load_graph(save(model.proto(model.quantized(whole)), tmp_path))
        assert len(graph.nodes) == 1201 and len(graph.nodes[-1].inputs) == 1201

    def test_a_clamp_behind_every_layer(self, tmp_path):
        model = Model(4, 4, 4)
        value, weight, parameters = model.quantized("image"), model.weight(4, 4, 1, 1), model.parameters()
        for _ in range(400):
            for op_type, *operands in (("Conv", weight), ("Relu",)):
                stored = model.node("QuantizeLinear", model.node(op_type, value, *operands), *parameters)
                value = model.node("DequantizeLinear", stored, *parameters)
        assert len(load_graph(save(model.proto(value), tmp_path)).nodes) == 400
