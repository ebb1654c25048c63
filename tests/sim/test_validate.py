"""Translation validation: sound networks pass, and whatever is wrong with one is found and named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from firelane.compiler.frame_io.preprocessing import Preprocessing, preprocessing_of
from firelane.compiler.ir.graph import Concat, Conv, Graph
from firelane.compiler.onnx_import import graph_of, load_graph
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.quantize.fold_preprocessing import fold_preprocessing, metadata
from firelane.compiler.support.errors import ModelError
from firelane.sim import validate as module
from firelane.sim.qdq_form import in_qdq_form
from firelane.sim.validate import validate, validate_rewriting
from tests.compiler.onnx_import.small_models import Model
from tests.compiler.small_networks import small_model, without_record
from tests.networks import random_graph
from tests.onnx_models import qdq_model, qoperator_model


def read(model: onnx.ModelProto, folder) -> Graph:
    return graph_of(model, folder / "m.onnx")


@pytest.fixture(scope="module")
def network() -> onnx.ModelProto:
    """Two convolutions and an average."""
    model = Model()
    value = model.quantized(model.conv(model.quantized("image"), 4, 3, 3, 3), 0.4)
    value = model.quantized(model.conv(value, 5, 4, 1, 1), 3.0)
    return model.proto(model.quantized(model.node("GlobalAveragePool", value), 3.0))


def with_node(graph: Graph, index: int, **changes) -> Graph:
    nodes = list(graph.nodes)
    nodes[index] = replace(nodes[index], **changes)
    return graph.with_nodes(nodes)


class TestAgreement:
    @pytest.mark.parametrize("seed", range(12))
    def test_random_networks(self, seed, tmp_path):
        rng = np.random.default_rng([3, seed])
        if seed % 3:
            model = qdq_model(random_graph(rng, size="tiny"), signed=bool(seed % 2))
        else:
            model = qoperator_model(random_graph(rng, size="tiny", without=["clamp"]))
        found = validate(read(model, tmp_path), model)
        assert found.images == 4 and found.tensors > 0 and found.differing <= 0.05 * found.values

    def test_the_users_images_come_after_one_of_noise(self, network, tmp_path):
        graph, seen = read(network, tmp_path), [np.full((3, 8, 9), value, np.uint8) for value in (1, 2)]
        chosen = module._chosen(graph, seen, 0)
        assert [int(image.min()) == int(image.max()) for image in chosen] == [False, True, True, False]
        assert validate(graph, network, seen).images == 4

    def test_a_path(self, network, tmp_path):
        onnx.save(network, tmp_path / "m.onnx")
        text = str(validate(load_graph(tmp_path / "m.onnx"), tmp_path / "m.onnx"))
        assert text.startswith("equals ONNX Runtime: 3 tensors of 4 images, ") and "the result at most" in text

    def test_a_float_result(self, tmp_path):
        """An average without a quantizer: real numbers are compared."""
        model = Model()
        proto = model.proto(model.node("Flatten", model.node("GlobalAveragePool", model.quantized("image"))))
        graph = read(proto, tmp_path)
        assert validate(graph, proto).whole_lsb <= 1
        shifted = replace(graph.nodes[0].requantize, bias=graph.nodes[0].requantize.bias + 10 * 72)
        with pytest.raises(ModelError, match="^node_globalaveragepool2: differs from ONNX Runtime by 10 steps at ch"):
            validate(with_node(graph, 0, requantize=shifted), proto)

    def test_a_float_result_is_a_tensor_that_is_compared(self):
        model = Model()
        proto = model.proto(model.node("Flatten", model.node("GlobalAveragePool", model.quantized("image"))))
        assert validate(load_graph(proto), proto).tensors == 1

    def test_nothing_to_compare_is_not_said_to_be_equal(self):
        """The average before a Softmax is float in ONNX Runtime, and there is nothing else."""
        model = Model()
        proto = model.proto(model.node("Softmax", model.node("Flatten", model.node(
            "GlobalAveragePool", model.quantized("image"))), axis=1))
        found = validate(load_graph(proto), proto)
        assert found.images == 4
        assert str(found) == "not compared with ONNX Runtime: none of its tensors has 8 bits there"

    def test_channels_last(self, tmp_path):
        model = Model()
        for dim, size in zip(model.input.type.tensor_type.shape.dim, (1, 8, 9, 3)):
            dim.dim_value = size
        value = model.node("Transpose", model.quantized("image"), perm=[0, 3, 1, 2])
        value = model.node("Transpose", model.quantized(model.conv(value, 4, 3, 3, 3)), perm=[0, 2, 3, 1])
        proto = model.proto(model.quantized(value, 0.07))
        assert validate(read(proto, tmp_path), proto).tensors == 2

    def test_a_concatenation_that_is_quantized_otherwise_than_its_parts(self, tmp_path):
        """Found by `make fuzz`: the parts, joined, had the name of what they are rescaled to."""
        rng = np.random.default_rng(5)
        graph = random_graph(rng, size="tiny", without=["clamp", "add"])
        while not any(isinstance(node, Concat) for node in graph.nodes):
            graph = random_graph(rng, size="tiny", without=["clamp", "add"])
        joined = next(node for node in graph.nodes if isinstance(node, Concat)).output
        model = qoperator_model(graph)
        constant = next(tensor for tensor in model.graph.initializer if tensor.name == f"{joined}.zero_point")
        constant.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(constant) + np.uint8(60), constant.name))
        read_back = read(model, tmp_path)
        assert f"{joined}/joined" in read_back.tensors
        assert validate(read_back, model).tensors > 0

    def test_what_is_too_large_to_be_unfolded(self, network, tmp_path, monkeypatch):
        monkeypatch.setattr(module, "COLUMNS_MAX", 100)
        assert str(validate(read(network, tmp_path), network)) == "too large to be compared with ONNX Runtime"


class TestDifferences:
    @pytest.mark.parametrize("index, name", [(0, "node_conv3"), (1, "node_conv7")])
    def test_a_weight_names_its_layer(self, network, index, name, tmp_path):
        graph = read(network, tmp_path)
        weight = graph.nodes[index].weight.copy()
        weight[2] = 127
        with pytest.raises(ModelError, match=f"^{name}: differs from ONNX Runtime by .* at channel 2, row ") as found:
            validate(with_node(graph, index, weight=weight), network)
        assert "--no-check" in str(found.value) and "\n" not in str(found.value)

    def test_a_clamp_that_is_missing(self, tmp_path):
        model = Model()
        proto = model.proto(model.quantized(model.node("Relu", model.conv(model.quantized("image"), 4, 3, 1, 1))))
        graph = read(proto, tmp_path)
        with pytest.raises(ModelError, match="^node_conv3: differs"):
            validate(with_node(graph, 0, requantize=replace(graph.nodes[0].requantize, low=0)), proto)

    def test_a_float_result_outside_of_8_bits(self):
        """What the graph saturates and the model does not: a clamp of ONNX Runtime's values would hide it."""
        model = Model()
        average = model.node("GlobalAveragePool", model.quantized("image"))
        graph = load_graph(model.proto(average))
        model.nodes.append(helper.make_node("Mul", [average, model.constant(np.float32(40))], ["wide"]))
        tensor = graph.tensors[graph.output]
        proto = model.proto("wide")
        saturated = replace(graph.nodes[0].requantize, low=255)
        with pytest.raises(ModelError, match=f"differs from ONNX Runtime by .* of {tensor.name}, 3 of 3 values"):
            validate(with_node(graph, 0, requantize=saturated), proto)

    def test_a_layer_that_is_wired_wrongly(self, network, tmp_path):
        model = Model(4)
        source = model.quantized("image")
        parts = [model.quantized(model.conv(source, 4, 4, 1, 1)) for _ in range(2)]
        proto = model.proto(model.quantized(model.node("Concat", *parts, axis=1)))
        graph = read(proto, tmp_path)
        index = next(place for place, node in enumerate(graph.nodes) if not isinstance(node, Conv))
        swapped = graph.nodes[index].inputs[::-1]
        with pytest.raises(ModelError, match="^node_concat10: differs"):
            validate(with_node(graph, index, inputs=swapped), proto)


    @pytest.mark.parametrize("wrong", [False, True])
    def test_channels_in_another_order(self, wrong):
        """A convolution that reads them in place of the shuffle is held by the result."""
        model = Model()
        value = model.quantized(model.conv(model.quantized("image"), 6, 3, 3, 3))
        value = model.node("Gather", value, model.constant(np.int64([3, 0, 4, 1, 5, 2])), axis=1)
        proto = model.proto(model.quantized(model.conv(value, 4, 6, 1, 1), 0.3))
        graph = load_graph(proto)
        first, second = graph.nodes
        if wrong:
            graph = replace(graph, nodes=(first, replace(second, weight=second.weight[:, ::-1])))
            with pytest.raises(ModelError, match="^tested: its result is another where channels were put in their ord"):
                validate(graph, proto)
        else:
            assert validate(graph, proto).tensors == 2


class TestWhatOnnxRuntimeRefuses:
    def test_is_said_with_its_reason(self, network, tmp_path):
        broken = onnx.ModelProto()
        broken.CopyFrom(network)
        broken.graph.node[-1].op_type = "Foo"
        with pytest.raises(ModelError, match=r"^tested: ONNX Runtime refuses it \(.*Foo.*; --no-check goes on without"):
            validate(read(network, tmp_path), broken)


class TestQdqForm:
    """The integer kernels may saturate; what is compared with does not."""

    def test_has_no_integer_kernels_and_the_same_names(self, tmp_path):
        model = Model(4, 3, 3)
        parameters = model.parameters()
        weight = [model.constant(model.rng.integers(-9, 9, (6, 4, 2, 2)).astype(np.int8)),
                  model.constant(np.float32(np.linspace(0.01, 0.02, 6))), model.constant(np.zeros(6, np.int8))]
        value = model.node("QLinearConv", model.node("QuantizeLinear", "image", *parameters), *parameters, *weight,
                           *parameters, model.constant(np.int32([10, -20, 30, 0, 5, 9])), pads=[1, 0, 0, 1])
        value = model.node("Flatten", value)
        matrix = [model.constant(model.rng.integers(-9, 9, (54, 5)).astype(np.int8)), model.constant(np.float32(0.01)),
                  model.constant(np.int8(0))]
        value = model.node("QLinearMatMul", value, *parameters, *matrix, *parameters)
        square = [model.constant(model.rng.integers(-9, 9, (5, 5)).astype(np.int8)), model.constant(np.float32(0.02)),
                  model.constant(np.int8(0))]
        bias = model.constant(np.int32([1, 2, 300, 4, 5]))
        value = model.node("QGemm", value, *parameters, *square, bias, *parameters, domain="com.microsoft", transB=1)
        proto = model.proto(model.node("DequantizeLinear", value, *parameters))
        written_out = in_qdq_form(proto)
        kinds = {node.op_type for node in written_out.graph.node}
        assert {"Conv", "MatMul", "Gemm"} < kinds and not {"QLinearConv", "QLinearMatMul", "QGemm"} & kinds
        assert validate(read(proto, tmp_path), proto).tensors == 3

    @pytest.mark.parametrize("opset", [11, 12])
    def test_opsets_whose_dequantize_has_no_axis(self, opset, tmp_path):
        model = Model(4, 3, 3)
        parameters = model.parameters()
        weight = [model.constant(model.rng.integers(-9, 9, (6, 4, 1, 1)).astype(np.int8)),
                  model.constant(np.float32(np.linspace(0.01, 0.02, 6))), model.constant(np.zeros(6, np.int8))]
        value = model.node("QLinearConv", model.node("QuantizeLinear", "image", *parameters), *parameters, *weight,
                           *parameters, model.constant(np.int32([10, -20, 30, 0, 5, 9])))
        proto = model.proto(model.node("DequantizeLinear", value, *parameters), opset)
        assert validate(read(proto, tmp_path), proto).tensors == 1

    def test_sums_that_saturate_16_bits(self, tmp_path):
        """Pixels near 255 and weights near 127: two products are 64770, more than 32767."""
        model = Model(8, 4, 4, zero_point=0)
        parameters = model.parameters(1.0)
        weight = [model.constant(np.full((4, 8, 1, 1), 127, np.int8)), model.constant(np.float32(0.001)),
                  model.constant(np.int8(0))]
        value = model.node("QLinearConv", model.node("QuantizeLinear", "image", *parameters), *parameters, *weight,
                           *parameters)
        proto = model.proto(model.node("DequantizeLinear", value, *parameters))
        assert validate(read(proto, tmp_path), proto, [np.full((8, 4, 4), 255, np.uint8)]).differing == 0


class TestRewriting:
    def test_a_model_that_is_only_folded(self, tmp_path):
        model = small_model(record=Preprocessing(mean=(123.0, 116.0, 103.0), scale=(1 / 58, 1 / 57, 1 / 56)))
        onnx.save(model, tmp_path / "m.onnx")
        rewritten = fold_preprocessing(read_float_model(tmp_path / "m.onnx"))
        taken = preprocessing_of(metadata(rewritten))
        assert taken.takes_pixels
        images = [np.full((3, 33, 33), 200.0, np.float32)]
        assert validate_rewriting(tmp_path / "m.onnx", rewritten, images, recorded=preprocessing_of(metadata(model)),
                                  taken=taken) < 1e-4

    def test_a_weight_that_is_another(self, tmp_path):
        model = without_record(small_model())
        onnx.save(model, tmp_path / "m.onnx")
        other = read_float_model(tmp_path / "m.onnx")
        weight = other.graph.initializer[0]
        weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * np.float32(1.5), weight.name))
        with pytest.raises(ModelError, match="brought into the form that is quantized, its results differ by"):
            validate_rewriting(tmp_path / "m.onnx", other)

    def test_channels_last_bytes_and_half_precision(self, tmp_path):
        weight = np.random.default_rng(0).normal(0, 0.2, (4, 3, 3, 3)).astype(np.float16)
        nodes = [helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT16),
                 helper.make_node("Transpose", ["x"], ["y"], perm=[0, 3, 1, 2]),
                 helper.make_node("Div", ["y", "by"], ["z"]), helper.make_node("Conv", ["z", "w"], ["v"]),
                 helper.make_node("Cast", ["v"], ["out"], to=TensorProto.FLOAT)]
        graph = helper.make_graph(
            nodes, "g", [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 8, 6, 3])],
            [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(np.float16(255), "by")])
        model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
        onnx.save(model, tmp_path / "m.onnx")
        rewritten = read_float_model(tmp_path / "m.onnx")
        taken = preprocessing_of(metadata(rewritten))
        assert taken.takes_pixels and [node.op_type for node in rewritten.graph.node] == ["Conv"]
        assert validate_rewriting(tmp_path / "m.onnx", rewritten, taken=taken) < 0.02

    @pytest.mark.parametrize("kind", [TensorProto.DOUBLE, TensorProto.BFLOAT16])
    def test_floats_that_onnx_runtime_cannot_convolve(self, kind, tmp_path):
        """`model.double()`, `model.bfloat16()`: then the comparison is with the same numbers as float32."""
        weight = np.random.default_rng(0).normal(0, 0.2, (4, 3, 3, 3)).astype(helper.tensor_dtype_to_np_dtype(kind))
        graph = helper.make_graph(
            [helper.make_node("Conv", ["image", "w"], ["out"])], "g",
            [helper.make_tensor_value_info("image", kind, ["N", 3, 8, 6])],
            [helper.make_tensor_value_info("out", kind, None)], [numpy_helper.from_array(weight, "w")])
        onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 22)]),
                  tmp_path / "m.onnx")
        rewritten = read_float_model(tmp_path / "m.onnx")
        assert validate_rewriting(tmp_path / "m.onnx", rewritten) < 1e-5
        tensor = rewritten.graph.initializer[0]
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(1.5), "w"))
        with pytest.raises(ModelError, match="its results differ by"):
            validate_rewriting(tmp_path / "m.onnx", rewritten)
