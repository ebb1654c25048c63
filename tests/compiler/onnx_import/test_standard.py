"""Files that break the ONNX standard, or use what is not read of it: one line, before anything else is read."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from firelane.compiler.onnx_import import load_graph
from firelane.compiler.support.errors import FirelaneError
from firelane.sim.onnx_session import OnnxSession
from tests.compiler.onnx_import.small_models import Model
from tests.onnx_comparison import compare_layers


def refusal(model: onnx.ModelProto, folder) -> str:
    """The message of the import, without the folder's name."""
    onnx.save(model, folder / "m.onnx")
    with pytest.raises(FirelaneError) as caught:
        load_graph(folder / "m.onnx")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600
    return str(caught.value).replace(str(folder), "")


def with_domain(op_type: str, domain: str, **attributes) -> onnx.ModelProto:
    """A convolution, then `op_type` of `domain`."""
    model = Model()
    value = model.node(op_type, model.conv(model.quantized("image"), 4, 3, 1, 1), domain=domain, **attributes)
    proto = model.proto(model.quantized(value))
    proto.opset_import.append(helper.make_opsetid("evil", 1))
    return proto


def add_function(proto: onnx.ModelProto, name: str, body: list[onnx.NodeProto]) -> onnx.ModelProto:
    """The model with a function evil.`name` from x to y."""
    proto.functions.append(helper.make_function("evil", name, ["x"], ["y"], body, [
        helper.make_opsetid("", 13), helper.make_opsetid("evil", 1)]))
    return proto


class TestDomainsAndFunctions:
    def test_an_operator_of_another_domain(self, tmp_path):
        assert refusal(with_domain("Relu", "evil"), tmp_path).startswith(
            "node_relu4 (Relu): an operator of domain evil; operators of ONNX, and DequantizeLinear, ")

    def test_a_standard_operator_under_microsofts_name(self, tmp_path):
        assert refusal(with_domain("Relu", "com.microsoft"), tmp_path).startswith(
            "node_relu4 (Relu): an operator of domain com.microsoft; ")

    def test_an_attribute_that_a_microsoft_operator_has_not(self, tmp_path):
        model = Model()
        parts = model.node("QuantizeLinear", "image", *model.parameters())
        stored = model.node("QLinearGlobalAveragePool", parts, *model.parameters(), *model.parameters(),
                            domain="com.microsoft", axis=3)
        found = refusal(model.proto(model.node("DequantizeLinear", stored, *model.parameters())), tmp_path)
        assert found == ("node_qlinearglobalaveragepool1 (QLinearGlobalAveragePool): attribute axis is unknown to it; "
                         "it has channels_last")

    def test_a_function_is_what_its_body_says(self, tmp_path):
        """Its name is that of an operator of ONNX, its body another one."""
        proto = add_function(with_domain("Relu", "evil"), "Relu", [helper.make_node("Neg", ["x"], ["y"])])
        assert "(Neg): works on a feature map" in refusal(proto, tmp_path)

    def test_a_function_is_written_out(self, tmp_path):
        proto = add_function(with_domain("Neg", "evil"), "Neg", [helper.make_node("Relu", ["x"], ["y"])])
        onnx.save(proto, tmp_path / "m.onnx")
        graph = load_graph(tmp_path / "m.onnx")
        images = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 9), dtype=np.uint8)
        differences = compare_layers(graph, OnnxSession(tmp_path / "m.onnx"), images)
        assert graph.nodes[0].requantize.low == 7 and all(found.most_lsb <= 1 for found in differences.values())

    def test_functions_that_double_without_end(self, tmp_path):
        proto = with_domain("f0", "evil")
        for level in range(60):
            twice = [helper.make_node(f"f{level + 1}", ["x"], ["t"], domain="evil"),
                     helper.make_node(f"f{level + 1}", ["t"], ["y"], domain="evil")]
            add_function(proto, f"f{level}", twice)
        add_function(proto, "f60", [helper.make_node("Relu", ["x"], ["y"])])
        assert "nodes; at most 32768 are possible" in refusal(proto, tmp_path)

    def test_a_function_that_calls_itself(self, tmp_path):
        proto = with_domain("f", "evil")
        add_function(proto, "f", [helper.make_node("g", ["x"], ["y"], domain="evil")])
        add_function(proto, "g", [helper.make_node("f", ["x"], ["y"], domain="evil")])
        assert "calls itself; export without functions" in refusal(proto, tmp_path)

    def test_the_long_name_of_the_standards_domain(self, tmp_path):
        model = Model()
        proto = model.proto(model.quantized(model.conv(model.quantized("image"), 4, 3, 1, 1)))
        for entry in (proto.opset_import[0], *proto.graph.node):
            entry.domain = "ai.onnx"
        onnx.save(proto, tmp_path / "m.onnx")
        assert len(load_graph(tmp_path / "m.onnx").nodes) == 1


@pytest.mark.parametrize("versions, start", [
    ([1 << 62], "opset: 4611686018427387904; 7 to "), ([6], "opset: 6; 7 to "), ([0], "opset: 0; 7 to "),
    ([-3], "opset: -3; 7 to "), ([13, 17], "opset: the model names 2: 13, 17; one is possible"),
    ([], "opset: the model does not say which it uses; 7 to ")])
def test_opsets(versions, start, tmp_path):
    model = Model()
    proto = model.proto(model.quantized(model.conv(model.quantized("image"), 4, 3, 1, 1)))
    del proto.opset_import[:]
    proto.opset_import.extend(helper.make_opsetid("", version) for version in versions)
    assert refusal(proto, tmp_path).startswith(start)


@pytest.mark.parametrize("op_type, attributes, said", [
    ("Relu", {"axis": 1}, "Unrecognized attribute: axis for operator Relu"),
    ("MaxPool", {"kernel_shape": [2, 2, 2]}, "Attribute kernel_shape has incorrect size"),
    ("Clip", {"min": 0.0}, "Unrecognized attribute: min for operator Clip"),
    ("Unsqueeze", {"axes": [1]}, "Input 1 is out of bounds"),
    ("Foo", {}, "No Op registered for Foo with domain_version of 13"),
])
def test_what_the_definition_of_an_operator_forbids(op_type, attributes, said, tmp_path):
    model = Model()
    found = refusal(model.proto(model.quantized(model.node(op_type, model.quantized("image"), **attributes))), tmp_path)
    assert said in found and found.startswith(f"node_{op_type.lower()}2 ({op_type}): ONNX does not allow it: ")
    assert found.endswith("; export the model again")


def test_axes_that_are_named_twice(tmp_path):
    model = Model()
    value = model.node("Unsqueeze", model.quantized("image"), model.constant(np.int64([0, 0, 1])))
    assert "Axis 0 is referred to more than once" in refusal(model.proto(model.node("Identity", value)), tmp_path)


def test_a_scale_in_double_precision(tmp_path):
    """Infinite bounds of a clamp divided by 1e-300 are no numbers."""
    model = Model()
    value = model.node("Clip", model.conv(model.quantized("image"), 4, 3, 1, 1), model.constant(np.float32(-3e38)),
                       model.constant(np.float32(3e38)))
    parameters = [model.constant(np.float64(1e-300)), model.constant(np.uint8(0))]
    stored = model.node("QuantizeLinear", value, *parameters)
    found = refusal(model.proto(model.node("DequantizeLinear", stored, *parameters)), tmp_path)
    assert "y_scale typestr: tensor(float), has unsupported type: tensor(double)" in found


@pytest.mark.parametrize("kind, said", [(TensorProto.FLOAT16, "float16"), (TensorProto.BFLOAT16, "bfloat16"),
                                        (TensorProto.INT64, "int64")])
def test_types_are_spelled_by_name(kind, said, tmp_path):
    model = Model(input_type=kind)
    assert refusal(model.proto(model.quantized("image")), tmp_path).startswith(f"input image: is {said}; float32, ")


class TestTraining:
    def test_dropout_that_drops(self, tmp_path):
        model = Model()
        inputs = [model.quantized("image"), model.constant(np.float32(0.9)), model.constant(np.array(True))]
        found = refusal(model.proto(model.quantized(model.node("Dropout", *inputs))), tmp_path)
        assert found == ("node_dropout2 (Dropout): training_mode is set: it changes values at random; export the model "
                         "for inference (model.eval())")

    def test_dropout_that_does_not(self, tmp_path):
        model = Model()
        value = model.conv(model.quantized("image"), 4, 3, 1, 1)
        value = model.node("Dropout", value, model.constant(np.float32(0.9)), model.constant(np.array(False)))
        onnx.save(model.proto(model.quantized(value)), tmp_path / "m.onnx")
        assert len(load_graph(tmp_path / "m.onnx").nodes) == 1


class TestNumbersThatAreNone:
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_in_a_scale(self, value, tmp_path):
        model = Model()
        assert refusal(model.proto(model.quantized("image", value)), tmp_path) == (
            "initializer constant0: 1 of 1 values are not finite numbers; train or export the model again")

    def test_in_weights_that_the_graph_quantizes(self, tmp_path):
        model = Model()
        weights = model.constant(np.full((4, 3, 1, 1), np.nan, np.float32))
        parameters = [model.constant(np.float32(0.1)), model.constant(np.int8(0))]
        stored = model.node("QuantizeLinear", weights, *parameters)
        value = model.node("Conv", model.quantized("image"), model.node("DequantizeLinear", stored, *parameters))
        found = refusal(model.proto(model.quantized(value)), tmp_path)
        assert found.startswith("initializer constant0: 12 of 12 values are not finite numbers; ")

    def test_in_an_attribute(self, tmp_path):
        model = Model()
        source = model.quantized("image")
        model.nodes.append(helper.make_node("Constant", [], ["low"], value=numpy_helper.from_array(np.float32(np.nan))))
        model.nodes.append(helper.make_node("Constant", [], ["more"], value_float=np.inf))
        value = model.node("Clip", source, model.node("Add", "low", "more"))
        assert refusal(model.proto(model.quantized(value)), tmp_path) == (
            "low (Constant): attribute value: 1 of 1 values are not finite numbers; train or export the model again "
            "(and 1 more)")

    def test_an_infinite_bound_of_a_clip_is_one(self, tmp_path):
        model = Model()
        value = model.node("Clip", model.conv(model.quantized("image"), 4, 3, 1, 1), model.constant(np.float32(0)),
                           model.constant(np.float32(np.inf)))
        onnx.save(model.proto(model.quantized(value)), tmp_path / "m.onnx")
        assert load_graph(tmp_path / "m.onnx").nodes[0].requantize.low == 7


class TestShapes:
    """Dimensions may change only where no pixel moves."""

    @pytest.mark.parametrize("shape", [[1, 3, 9, 8], [1, 6, 4, 9], [1, 8, 9, 3], [8, 3, 1, 9]])
    def test_four_dimensions_in_which_pixels_would_move(self, shape, tmp_path):
        model = Model()
        value = model.node("Reshape", model.quantized("image"), model.constant(np.int64(shape)))
        found = refusal(model.proto(model.quantized(model.node("Relu", value))), tmp_path)
        assert found.startswith(f"node_reshape2 (Reshape): makes shape {shape} of a map of 3 x 8 x 9 (channels, rows, ")

    def test_a_way_over_a_flat_vector(self, tmp_path):
        model = Model()
        flat = model.node("Flatten", model.quantized("image"))
        value = model.node("Unsqueeze", flat, model.constant(np.int64([2, 3])))
        found = refusal(model.proto(model.quantized(model.node("GlobalAveragePool", value))), tmp_path)
        assert found.startswith("node_unsqueeze3 (Unsqueeze): makes shape [1, 216, 1, 1] of a map of 3 x 8 x 9 ")

    def test_there_and_back(self, tmp_path):
        model = Model()
        value = model.node("Flatten", model.quantized("image"))
        value = model.node("Reshape", value, model.constant(np.int64([1, 3, 8, 9])))
        onnx.save(model.proto(model.quantized(model.conv(value, 4, 3, 3, 3))), tmp_path / "m.onnx")
        assert load_graph(tmp_path / "m.onnx").nodes[0].weight.shape == (4, 3, 3, 3)

    def test_two_rows_times_a_matrix(self, tmp_path):
        model = Model(4, 4, 4)
        value = model.node("Reshape", model.quantized("image"), model.constant(np.int64([2, 32])))
        found = refusal(model.proto(model.quantized(model.node("MatMul", value, model.weight(32, 5)))), tmp_path)
        assert found == "node_matmul4 (MatMul): shapes [2, 32] and [32, 5]; a flat vector times a matrix is possible"

    def test_a_sum_of_flat_maps_of_other_sizes(self, tmp_path):
        model = Model(4, 8, 4)
        source = model.quantized("image")
        a, b = (model.node("Flatten", model.quantized(model.conv(source, 4, 4, 1, 1, strides=strides)))
                for strides in ([2, 1], [1, 2]))
        found = refusal(model.proto(model.quantized(model.node("Add", a, b))), tmp_path)
        assert "(Add): adds flat maps of [4, 4, 4] and [4, 8, 2] (channels, rows, columns); equal sizes" in found


def test_the_output_is_the_input(tmp_path):
    model = Model()
    stored = model.node("QuantizeLinear", "image", *model.parameters())
    model.node("MaxPool", stored, kernel_shape=[2, 2])
    proto = model.proto(model.node("DequantizeLinear", stored, *model.parameters()))
    assert refusal(proto, tmp_path) == "output dequantizelinear2: is the input itself; there is nothing to compute"


@pytest.mark.parametrize("batch", [0, 2])
def test_another_batch(batch, tmp_path):
    model = Model(batch=batch)
    assert refusal(model.proto(model.quantized("image")), tmp_path) == (
        f"input image: batch of {batch}; export with batch 1 or a symbolic batch")


def test_external_data_with_a_name_too_long(tmp_path):
    model = Model()
    proto = model.proto(model.quantized(model.conv(model.quantized("image"), 4, 3, 1, 1)))
    weight = next(tensor for tensor in proto.graph.initializer if len(tensor.dims) == 4)
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "a" * 5000
    (tmp_path / "m.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(FirelaneError, match="external data is missing or damaged"):
        load_graph(tmp_path / "m.onnx")
