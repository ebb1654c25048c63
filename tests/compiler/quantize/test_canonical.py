"""Float models as exporters write them: what `quantize` makes of each compiles, and means the same."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from firelane.compiler.frame_io.preprocessing import Preprocessing, preprocessing_of
from firelane.compiler.ir.graph import HOST_OPERATORS, Graph
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.quantize.calibrated import read_calibrated
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.quantize.quantize import quantize
from firelane.compiler.support.errors import FirelaneError
from firelane.sim.onnx_session import OnnxSession
from firelane.sim.reference import run
from tests.onnx_comparison import compare_layers


class FloatModel:
    """Writes a small float model; `conv` is a convolution with a bias."""

    def __init__(self, shape=(1, 3, 12, 12), kind: int = TensorProto.FLOAT):
        self.rng = np.random.default_rng(3)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.input = helper.make_tensor_value_info("image", kind, list(shape))

    def constant(self, array) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, op_type: str, *inputs: str, **attributes) -> str:
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, list(inputs), [output], name=f"{op_type}{len(self.nodes)}",
                                           **attributes))
        return output

    def conv(self, value: str, *shape: int, **attributes) -> str:
        weight = self.rng.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)
        bias = self.rng.normal(0, 0.1, shape[0]).astype(np.float32)
        return self.node("Conv", value, self.constant(weight), self.constant(bias), **attributes)

    def head(self, value: str, channels: int) -> str:
        """Average and flatten, after a convolution to five channels."""
        return self.node("Flatten", self.node("GlobalAveragePool", self.conv(value, 5, channels, 1, 1)))

    def proto(self, output: str, opset: int = 17) -> onnx.ModelProto:
        graph = helper.make_graph(self.nodes, "tested", [self.input],
                                  [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)], self.constants)
        return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", opset)])


def in_onnx_runtime(model: onnx.ModelProto, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.stack([session.run(None, {"image": image[None]})[0].ravel() for image in images])


@pytest.fixture
def quantized(tmp_path):
    """Quantizes a model and holds the result against the float model, as real numbers, and against ONNX Runtime."""
    def check(model: onnx.ModelProto, images: np.ndarray | None = None, tolerance: float = 0.06) -> Graph:
        onnx.save(model, tmp_path / "float.onnx")
        source = read_float_model(tmp_path / "float.onnx")
        if images is None:
            shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim][1:]
            images = np.random.default_rng(0).normal(0, 1, (4, *shape)).astype(np.float32)
        channels_first = images
        last = images.shape[1:] != tuple(dim.dim_value for dim in
                                         source.graph.input[0].type.tensor_type.shape.dim)[1:]
        if last:
            channels_first = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
        result = quantize(source, channels_first.astype(np.float32))
        onnx.save(result, tmp_path / "q.onnx")
        graph = load_graph(tmp_path / "q.onnx")
        tensor, output = graph.tensors[graph.input], graph.tensors[graph.output]
        stored = np.clip(np.rint(channels_first / tensor.scale) + tensor.zero_point, 0, 255).astype(np.uint8)
        ours = np.stack([run(graph, image)[graph.output].ravel() for image in stored])
        theirs = in_onnx_runtime(model, images)
        assert np.abs((ours - float(output.zero_point)) * output.scale - theirs).max() <= tolerance * np.ptp(theirs)
        assert all(found.most_lsb <= 1 for found in compare_layers(graph, OnnxSession(tmp_path / "q.onnx"),
                                                                   stored[:1]).values())
        return graph
    return check


def kinds(graph: Graph) -> list[str]:
    return [type(node).__name__ for node in graph.nodes]


class TestMeans:
    @pytest.mark.parametrize("keepdims, opset", [(1, 17), (0, 17), (1, 18), (0, 20)])
    def test_mean_over_rows_and_columns(self, quantized, keepdims, opset):
        """torch.onnx.export with dynamo, and x.mean((2, 3)) by either exporter."""
        model = FloatModel()
        value = model.conv("image", 5, 3, 3, 3)
        if opset >= 18:
            value = model.node("ReduceMean", value, model.constant(np.int64([-1, 2])), keepdims=keepdims)
        else:
            value = model.node("ReduceMean", value, axes=[2, -1], keepdims=keepdims)
        value = model.node("Reshape", value, model.constant(np.int64([1, 5])))
        assert kinds(quantized(model.proto(value, opset))) == ["Conv", "GlobalAverage"]

    @pytest.mark.parametrize("keepdims", [0, 1])
    @pytest.mark.parametrize("first", [2, 3])
    def test_mean_in_two_steps(self, quantized, keepdims, first):
        """x.mean(3).mean(2)."""
        model = FloatModel((1, 3, 12, 10))
        value = model.node("ReduceMean", model.conv("image", 5, 3, 3, 3), axes=[first], keepdims=keepdims)
        value = model.node("ReduceMean", value, axes=[5 - first if keepdims else 2], keepdims=keepdims)
        value = model.node("Reshape", value, model.constant(np.int64([1, 5])))
        assert kinds(quantized(model.proto(value))) == ["Conv", "GlobalAverage"]

    def test_mean_of_pixels_in_one_dimension(self, quantized):
        """x.view(1, C, -1).mean(2)."""
        model = FloatModel()
        value = model.node("Reshape", model.conv("image", 5, 3, 3, 3), model.constant(np.int64([1, 5, -1])))
        assert kinds(quantized(model.proto(model.node("ReduceMean", value, axes=[2], keepdims=0)))) == [
            "Conv", "GlobalAverage"]

    def test_mean_over_channels(self, tmp_path):
        model = FloatModel()
        onnx.save(model.proto(model.node("ReduceMean", model.conv("image", 5, 3, 3, 3), axes=[1])), tmp_path / "m.onnx")
        with pytest.raises(FirelaneError, match=r"ReduceMean1 \(ReduceMean\): .*rows and columns, \[2, 3\]"):
            quantize(read_float_model(tmp_path / "m.onnx"), np.zeros((1, 3, 12, 12), np.float32))


class TestTypes:
    @pytest.mark.parametrize("ends", [False, True])
    def test_half_precision(self, quantized, ends):
        """Weights alone behind a Cast, as converters keep the ends float32; or everything."""
        model = FloatModel(kind=TensorProto.FLOAT16 if ends else TensorProto.FLOAT)
        source = "image" if ends else model.node("Cast", "image", to=TensorProto.FLOAT16)
        value = model.head(model.node("Relu", model.conv(source, 6, 3, 3, 3)), 6)
        value = value if ends else model.node("Cast", value, to=TensorProto.FLOAT)
        for tensor in model.constants:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
        proto = model.proto(value)
        if ends:
            proto.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT16
            images = np.random.default_rng(0).normal(0, 1, (4, 3, 12, 12)).astype(np.float16)
        assert kinds(quantized(proto, images if ends else None)) == ["Conv", "Conv", "GlobalAverage"]

    def test_bytes_that_are_cast_are_pixels(self, quantized, tmp_path):
        model = FloatModel(kind=TensorProto.UINT8)
        value = model.node("Div", model.node("Cast", "image", to=TensorProto.FLOAT), model.constant(np.float32(255)))
        proto = model.proto(model.head(model.conv(value, 6, 3, 3, 3), 6))
        graph = quantized(proto, np.random.default_rng(0).integers(0, 256, (4, 3, 12, 12), dtype=np.uint8))
        assert (graph.tensors[graph.input].scale, graph.tensors[graph.input].zero_point) == (1.0, 0)
        assert preprocessing_of(graph.metadata).takes_pixels

    def test_half_precision_out_of_range(self, tmp_path):
        model = FloatModel()
        proto = model.proto(model.head(model.conv("image", 6, 3, 3, 3), 6))
        proto.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.full((6, 3, 3, 3), 1e300), "c0"))
        onnx.save(proto, tmp_path / "m.onnx")
        with pytest.raises(FirelaneError, match="initializer c0: 162 of 162 values are not finite numbers"):
            read_float_model(tmp_path / "m.onnx")


class TestChannelsLast:
    def test_transpose_behind_the_input(self, quantized):
        """Keras through tf2onnx."""
        model = FloatModel((1, 12, 10, 3))
        value = model.conv(model.node("Transpose", "image", perm=[0, 3, 1, 2]), 6, 3, 3, 3)
        assert quantized(model.proto(model.head(value, 6))).tensors

    @pytest.mark.parametrize("shape", [(), (3,), (1, 1, 3)])
    def test_arithmetic_before_the_transpose(self, quantized, shape):
        """Keras' Rescaling, one number or one for each channel."""
        model = FloatModel((1, 12, 10, 3))
        factors = np.float32([2, 0.5, 1]).reshape(shape) if shape else np.float32(1.5)
        value = model.node("Mul", "image", model.constant(factors))
        value = model.node("Sub", value, model.constant(np.float32(0.3)))
        value = model.conv(model.node("Transpose", value, perm=[0, 3, 1, 2]), 6, 3, 3, 3)
        graph = quantized(model.proto(model.head(value, 6)))
        assert graph.tensors[graph.input].shape == (3, 12, 10) and kinds(graph).count("Conv") == 2

    def test_inside(self, quantized):
        """Transposes in pairs, and a Concat of the last axis between them."""
        model = FloatModel((1, 12, 10, 3))
        source = model.node("Transpose", "image", perm=[0, 3, 1, 2])
        parts = [model.node("Transpose", model.node("Relu", model.conv(source, count, 3, 1, 1)), perm=[0, 2, 3, 1])
                 for count in (4, 2)]
        value = model.node("Transpose", model.node("Concat", *parts, axis=3), perm=[0, 3, 1, 2])
        assert "Concat" in kinds(quantized(model.proto(model.head(value, 6))))


class TestChannelWise:
    """BatchNormalization and arithmetic with constants."""

    def batch_norm(self, model: FloatModel, value: str, channels: int) -> str:
        numbers = [model.constant(model.rng.uniform(0.5, 1.5, channels).astype(np.float32)) for _ in range(4)]
        return model.node("BatchNormalization", value, *numbers)

    @pytest.mark.parametrize("pad, layers", [(0, 3), (1, 4)])
    def test_batch_norm_first(self, quantized, pad, layers):
        """Into the convolution behind it where that sees no padding; else a depthwise one."""
        model = FloatModel()
        value = model.conv(self.batch_norm(model, "image", 3), 6, 3, 3, 3, pads=[pad] * 4)
        assert len(quantized(model.proto(model.head(value, 6))).nodes) == layers

    def test_batch_norm_behind_relu_and_concat(self, quantized):
        model = FloatModel()
        parts = [model.node("Relu", model.conv("image", 4, 3, 1, 1)) for _ in range(2)]
        value = self.batch_norm(model, model.node("Concat", *parts, axis=1), 8)
        graph = quantized(model.proto(model.head(model.conv(model.node("Relu", value), 6, 8, 3, 3, pads=[1] * 4), 6)))
        assert [node.groups for node in graph.nodes if hasattr(node, "groups")].count(8) == 1

    def test_batch_norm_behind_a_convolution(self, quantized):
        model = FloatModel()
        value = model.node("Relu", self.batch_norm(model, model.conv("image", 6, 3, 3, 3), 6))
        assert kinds(quantized(model.proto(model.head(value, 6)))) == ["Conv", "Conv", "GlobalAverage"]

    @pytest.mark.parametrize("steps", [
        [("Div", 255.0)], [("Sub", [[[120.0]], [[110.0]], [[100.0]]]), ("Div", [[[60.0]], [[50.0]], [[40.0]]])],
        [("Mul", 1 / 255), ("Sub", [[[[0.5]], [[0.4]], [[0.3]]]]), ("Mul", 4.0), ("Add", 0.25)]])
    @pytest.mark.parametrize("pad", [0, 1])
    def test_normalisation_in_the_graph(self, quantized, steps, pad):
        model, value = FloatModel(), "image"
        for op_type, number in steps:
            value = model.node(op_type, value, model.constant(np.float32(number)))
        value = model.conv(value, 6, 3, 3, 3, pads=[pad] * 4)
        images = np.random.default_rng(0).integers(0, 256, (4, 3, 12, 12)).astype(np.float32)
        graph = quantized(model.proto(model.head(value, 6)), images)
        assert len(graph.nodes) == 3 + pad

    def test_normalisation_joins_the_record(self, tmp_path):
        """A padded convolution cannot take it in; where it is known how pixels come in, the host does it."""
        model = FloatModel()
        value = model.node("Sub", "image", model.constant(np.float32([[[0.5]], [[0.25]], [[0.125]]])))
        value = model.node("Mul", value, model.constant(np.float32(2.0)))
        proto = model.proto(model.head(model.conv(value, 6, 3, 3, 3, pads=[1] * 4), 6))
        onnx.save(proto, tmp_path / "m.onnx")
        pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 12, 12), dtype=np.uint8)
        np.save(tmp_path / "images.npy", pixels)
        found = read_calibrated(tmp_path / "m.onnx", tmp_path / "images.npy", 4, {"mean": "0", "scale": "0.00390625"})
        record = preprocessing_of(metadata(found.model))
        assert record == Preprocessing(mean=(128.0, 64.0, 32.0), scale=(2 / 256,))
        assert [node.op_type for node in found.model.graph.node][:1] == ["Conv"] and len(found.model.graph.node) == 4
        assert np.allclose(found.images[1], (pixels[1] / 256 - np.array([0.5, 0.25, 0.125])[:, None, None]) * 2)

    def test_constant_minus_a_map(self, quantized):
        model = FloatModel()
        value = model.node("Sub", model.constant(np.float32(1)), model.node("Relu", model.conv("image", 6, 3, 3, 3)))
        assert len(quantized(model.proto(model.head(model.node("MaxPool", value, kernel_shape=[2, 2]), 6))).nodes) == 5


class TestSums:
    @pytest.mark.parametrize("count", [1, 2, 3, 4])
    def test_of_several_maps(self, quantized, count):
        model = FloatModel()
        value = model.node("Sum", *(model.conv("image", 6, 3, 3, 3) for _ in range(count)))
        graph = quantized(model.proto(model.head(model.node("Relu", value), 6)))
        assert kinds(graph) == ["Conv"] * count + ["Add"] * (count - 1) + ["Conv", "GlobalAverage"]


class TestDense:
    @pytest.mark.parametrize("shape", [None, (), (1,), (5,), (1, 5)])
    @pytest.mark.parametrize("attributes", [
        {}, {"alpha": -0.5}, {"beta": 3.0}, {"alpha": 2.0, "beta": 0.0, "transB": 1}])
    def test_factors_and_biases(self, quantized, shape, attributes):
        model = FloatModel()
        value = model.head(model.conv("image", 6, 3, 3, 3), 6)
        weight = np.float32(model.rng.normal(0, 0.5, (5, 5)))
        bias = [] if shape is None else [model.constant(np.float32(model.rng.normal(0, 0.5, shape)))]
        graph = quantized(model.proto(model.node("Gemm", value, model.constant(weight), *bias, **attributes)))
        assert kinds(graph) == ["Conv", "Conv", "GlobalAverage", "Conv"]


class TestSlopes:
    @pytest.mark.parametrize("slopes, kind", [(None, "Rescale"), ([0.2], "Rescale"), ([0.2] * 6, "Rescale"),
                                              ([0.1, 0.2, -0.1, 0.3, 0.0, 1.0], "ChannelScale")])
    @pytest.mark.parametrize("pooled", [False, True])
    def test_leaky_relu_and_prelu(self, quantized, slopes, kind, pooled):
        model = FloatModel()
        value = model.conv("image", 6, 3, 3, 3)
        if slopes is None:
            value = model.node("LeakyRelu", value, alpha=0.1)
        else:
            value = model.node("PRelu", value, model.constant(np.float32(slopes).reshape(-1, 1, 1)))
        if pooled:
            value = model.node("MaxPool", value, kernel_shape=[2, 2], strides=[2, 2])
        graph = quantized(model.proto(model.head(value, 6)))
        assert kinds(graph)[:4] == ["Conv", "Rescale", kind, "Maximum"]

    @pytest.mark.parametrize("kind, number", [("Max", 0.0), ("Min", 1.0), ("Max", -0.5)])
    def test_numbers_that_clamp(self, quantized, kind, number):
        model = FloatModel()
        value = model.node(kind, model.constant(np.float32(number)), model.conv("image", 6, 3, 3, 3))
        assert kinds(quantized(model.proto(model.head(value, 6)))) == ["Conv", "Conv", "GlobalAverage"]


class TestChannels:
    """Channels in another order, or some of them."""

    def test_shuffle_of_a_dynamic_batch(self, quantized):
        """The sizes are computed in the graph, as torch.onnx.export writes x.view(x.size(0), groups, -1, h, w)."""
        model = FloatModel(("N", 3, 12, 12))
        value = model.node("Relu", model.conv("image", 6, 3, 3, 3))
        size = model.node("Gather", model.node("Shape", value), model.constant(np.int64(0)), axis=0)
        sizes = model.node("Concat", model.node("Unsqueeze", size, model.constant(np.int64([0]))),
                           model.constant(np.int64([2, 3, 10, 10])), axis=0)
        value = model.node("Transpose", model.node("Reshape", value, sizes), perm=[0, 2, 1, 3, 4])
        value = model.node("Reshape", value, model.constant(np.int64([-1, 6, 10, 10])))
        images = np.random.default_rng(0).normal(0, 1, (4, 3, 12, 12)).astype(np.float32)
        assert kinds(quantized(model.proto(model.head(value, 6)), images)) == ["Conv", "Conv", "GlobalAverage"]

    def test_parts_have_the_scale_of_the_whole(self, quantized):
        """Parts of different ranges; nothing is rounded a second time."""
        model = FloatModel()
        value = model.node("MaxPool", model.node("Relu", model.conv("image", 6, 3, 3, 3)), kernel_shape=[2, 2])
        model.constants[0].CopyFrom(numpy_helper.from_array(
            numpy_helper.to_array(model.constants[0]) * np.float32([1, 1, 1, 5, 5, 5]).reshape(6, 1, 1, 1), "c0"))
        model.nodes.append(helper.make_node("Split", [value, model.constant(np.int64([3, 3]))], ["a", "b"], axis=1))
        value = model.node("Add", "a", model.node("Slice", value, *(model.constant(np.int64([number]))
                                                                    for number in (1, 6, 1, 2))))
        value = model.node("Concat", value, "b", axis=1)
        graph = quantized(model.proto(model.head(value, 6)))
        assert sorted(kinds(graph)) == ["Add", "Concat", "Conv", "Conv", "GlobalAverage", "MaxPool"] + ["Select"] * 3

    @pytest.mark.parametrize("opset", [9, 11, 17])
    def test_forms_of_all_opsets(self, quantized, opset):
        model = FloatModel()
        value = model.node("Relu", model.conv("image", 8, 3, 3, 3))
        if opset < 13:
            model.nodes.append(helper.make_node("Split", [value], ["a", "b"], name="s", axis=1, split=[2, 6]))
        else:
            model.nodes.append(helper.make_node("Split", [value, model.constant(np.int64([2, 6]))], ["a", "b"], axis=1))
        part = (model.node("Slice", "b", axes=[1], starts=[1], ends=[5]) if opset < 10 else
                model.node("Slice", "b", *(model.constant(np.int64([number])) for number in (1, 5, 1))))
        part = model.node("Gather", part, model.constant(np.int64([3, 0])), axis=1)
        value = model.node("Concat", "a", model.conv(part, 4, 2, 1, 1), axis=1)
        assert quantized(model.proto(model.head(value, 6), opset)).tensors


class TestHeads:
    @pytest.mark.parametrize("kind", ["Sigmoid", "HardSigmoid", "Softmax", "LogSoftmax"])
    def test_is_left_to_the_host(self, kind, tmp_path):
        model = FloatModel()
        proto = model.proto(model.node(kind, model.head(model.node("Relu", model.conv("image", 6, 3, 3, 3)), 6)))
        for node in proto.graph.node:
            node.name = ""
        result = quantize(read_float_model(proto), np.ones((2, 3, 12, 12), np.float32))
        assert load_graph(result).metadata[HOST_OPERATORS].startswith(kind)


class TestDilation:
    def test_of_a_float_model(self, quantized):
        model = FloatModel()
        value = model.conv("image", 6, 3, 3, 3, dilations=[2, 2], pads=[2] * 4)
        assert quantized(model.proto(model.head(value, 6))).nodes[0].window.kernel == (5, 5)


class TestRefusals:
    """Before or after calibration, but never in a file that `compile` refuses."""

    @pytest.mark.parametrize("op_type", ["HardSwish", "Tanh", "Ceil"])
    def test_operators_that_the_engine_has_not(self, op_type, tmp_path):
        model = FloatModel()
        onnx.save(model.proto(model.head(model.node(op_type, model.conv("image", 6, 3, 3, 3)), 6)), tmp_path / "m.onnx")
        with pytest.raises(FirelaneError, match=rf"^{op_type}1 \({op_type}\): the engine has no such operator; "):
            read_float_model(tmp_path / "m.onnx")

    def test_a_flat_vector_that_is_too_long(self, tmp_path):
        model = FloatModel()
        value = model.node("Flatten", model.conv("image", 2, 3, 3, 3))
        value = model.node("Gemm", value, model.constant(np.ones((200, 4), np.float32)))
        onnx.save(model.proto(value), tmp_path / "m.onnx")
        with pytest.raises(FirelaneError, match="a map of 10 x 10 is flattened before a fully connected layer"):
            quantize(read_float_model(tmp_path / "m.onnx"), np.ones((1, 3, 12, 12), np.float32))

    def test_too_many_nodes(self, tmp_path):
        model, value = FloatModel(), "image"
        for _ in range(5000):
            value = model.node("Relu", value)
        onnx.save(model.proto(value), tmp_path / "m.onnx")
        with pytest.raises(FirelaneError, match="5000 nodes; at most 1024 are possible"):
            read_float_model(tmp_path / "m.onnx")
