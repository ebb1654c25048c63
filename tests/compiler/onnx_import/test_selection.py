"""Channels in another order, or some of them: what Split, Slice, Gather and shuffles become, beside ONNX Runtime."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firelane.compiler.ir.graph import Conv, Graph, Select
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.passes import WEIGHTS_AS_GIVEN
from firelane.compiler.support.errors import FirelaneError
from firelane.sim.validate import validate
from tests.compiler.onnx_import.small_models import Model, kinds


def numbers(model: Model, *values: int) -> str:
    return model.constant(np.int64(values))


def shuffled(model: Model, value: str, groups: int, channels: int, size: tuple[int, int], between=None) -> str:
    """Reshape, Transpose and Reshape, as PyTorch writes them; `between` is done to each result."""
    done = between or (lambda value: value)
    value = done(model.node("Reshape", value, numbers(model, 1, groups, channels // groups, *size)))
    value = done(model.node("Transpose", value, perm=[0, 2, 1, 3, 4]))
    return done(model.node("Reshape", value, numbers(model, 1, channels, *size)))


def selects(graph: Graph) -> list[Select]:
    return [node for node in graph.nodes if isinstance(node, Select)]


def stem(model: Model, channels: int, scale: float = 0.04) -> str:
    """A quantized convolution of the image."""
    return model.quantized(model.conv(model.quantized("image"), channels, 3, 1, 1), scale)


class TestShuffle:
    @pytest.mark.parametrize("quantized", [False, True])
    @pytest.mark.parametrize("kind, zero_point", [(np.uint8, 7), (np.int8, -20)])
    def test_joins_the_convolution_behind_it(self, load, quantized, kind, zero_point):
        """Quantizers stand around each of the three, as ONNX Runtime writes them, or none."""
        model = Model(kind=kind, zero_point=zero_point)
        between = (lambda value: model.quantized(value, 0.04)) if quantized else None
        value = shuffled(model, stem(model, 12), 3, 12, (8, 9), between)
        graph = load(model.proto(model.quantized(model.conv(value, 6, 12, 3, 3), 0.3)))
        assert kinds(graph) == ["Conv", "Conv"]

    def test_order_of_the_channels(self, tmp_path):
        model = Model()
        value = shuffled(model, stem(model, 6), 2, 6, (8, 9))
        onnx.save(model.proto(model.quantized(model.node("Relu", value), 0.04)), tmp_path / "m.onnx")
        (node,) = selects(load_graph(tmp_path / "m.onnx", WEIGHTS_AS_GIVEN))
        assert node.channels.tolist() == [0, 3, 1, 4, 2, 5]

    @pytest.mark.parametrize("first, second", [(2, 3), (3, 2)])
    def test_there_and_back(self, load, first, second):
        """Two shuffles that undo each other leave nothing."""
        model = Model()
        value = shuffled(model, shuffled(model, stem(model, 6), first, 6, (8, 9)), second, 6, (8, 9))
        graph = load(model.proto(model.quantized(model.node("MaxPool", value, kernel_shape=[2, 2]), 0.04)))
        assert kinds(graph) == ["Conv", "MaxPool"]

    def test_over_pixels_in_one_dimension(self, load):
        """The way of the ShuffleNetV2 of its authors: (C / 2, 2, H W), and a Gather for each half."""
        model = Model()
        value = model.node("Reshape", stem(model, 8), numbers(model, 4, 2, 72))
        value = model.node("Transpose", value, perm=[1, 0, 2])
        value = model.node("Reshape", value, numbers(model, 2, -1, 4, 8, 9))
        halves = [model.node("Gather", value, model.constant(np.int64(index)), axis=0) for index in (0, 1)]
        parts = [model.quantized(model.conv(half, 2, 4, 3, 3), 0.2) for half in halves]
        graph = load(model.proto(model.quantized(model.node("Concat", *parts, axis=1), 0.2)))
        assert kinds(graph) == ["Conv", "Conv", "Conv", "Concat"]
        assert not graph.nodes[1].weight[:, 1::2].any() and not graph.nodes[2].weight[:, ::2].any()

    def test_channels_last(self, load):
        model = Model()
        value = model.node("Transpose", stem(model, 6), perm=[0, 2, 3, 1])
        value = model.node("Reshape", value, numbers(model, 1, 8, 9, 2, 3))
        value = model.node("Transpose", value, perm=[0, 1, 2, 4, 3])
        value = model.node("Reshape", value, numbers(model, 1, 8, 9, 6))
        value = model.quantized(model.quantized(value, 0.04), 0.06)
        value = model.node("Transpose", value, perm=[0, 3, 1, 2])
        graph = load(model.proto(model.quantized(model.conv(value, 4, 6, 1, 1), 0.3)))
        assert kinds(graph) == ["Conv", "Rescale", "Conv"]

    def test_before_the_quantizer_of_the_convolution(self, load):
        """PyTorch FX: nothing stands between the convolution and the shuffle."""
        model = Model()
        value = model.node("Relu", model.conv(model.quantized("image"), 6, 3, 1, 1))
        value = model.quantized(shuffled(model, value, 2, 6, (8, 9)), 0.04)
        graph = load(model.proto(model.quantized(model.conv(value, 4, 6, 1, 1), 0.3)))
        assert kinds(graph) == ["Conv", "Conv"] and graph.nodes[0].requantize.low == 7

    def test_depthwise_convolutions_stay_depthwise(self, load):
        model = Model()
        value = shuffled(model, stem(model, 6), 3, 6, (8, 9))
        value = model.quantized(model.conv(value, 6, 1, 3, 3, group=6), 0.2)
        graph = load(model.proto(model.quantized(model.conv(value, 4, 3, 1, 1, group=2), 0.3)))
        assert [node.groups for node in graph.nodes] == [1, 6, 1]

    def test_of_flat_vectors(self, load):
        model = Model(12, 4, 4)
        value = model.quantized(model.node("GlobalAveragePool", model.quantized("image")), 0.02)
        value = model.node("Reshape", value, numbers(model, 1, 3, 4))
        value = model.node("Flatten", model.node("Transpose", value, perm=[0, 2, 1]))
        graph = load(model.proto(model.quantized(model.node("Gemm", value, model.weight(12, 5)), 0.2)))
        assert kinds(graph) == ["GlobalAverage", "Conv"]

    def test_flattened_behind_it(self, load):
        model = Model(4, 2, 2)
        value = model.node("Flatten", shuffled(model, model.quantized("image"), 2, 4, (2, 2)))
        graph = load(model.proto(model.quantized(model.node("Gemm", value, model.weight(16, 5)), 0.3)))
        assert kinds(graph) == ["Conv"]

    def test_rows_and_columns_that_change_places(self, tmp_path):
        model = Model()
        onnx.save(model.proto(model.quantized(model.node("Transpose", model.quantized("image"), perm=[0, 1, 3, 2]))),
                  tmp_path / "m.onnx")
        with pytest.raises(FirelaneError, match=r"perm \[0, 1, 3, 2\] of a feature map of shape \[1, 3, 8, 9\]; "):
            load_graph(tmp_path / "m.onnx")

    def test_left_in_five_dimensions(self, tmp_path):
        model = Model()
        value = model.node("Reshape", stem(model, 6), numbers(model, 1, 2, 3, 8, 9))
        value = model.quantized(model.node("Relu", model.node("Transpose", value, perm=[0, 2, 1, 3, 4])))
        onnx.save(model.proto(value), tmp_path / "m.onnx")
        with pytest.raises(FirelaneError, match=r"an input of shape \[1, 3, 2, 8, 9\]: channels in an order of their "
                                                r"own; Reshape or Transpose them to \(1, channels, rows, columns\)"):
            load_graph(tmp_path / "m.onnx")


class TestParts:
    def joined(self, model: Model, parts: list[str], channels: int, opset: int = 13) -> onnx.ModelProto:
        """A convolution of each, joined."""
        made = [model.quantized(model.conv(part, 2, channels, 1, 1), 0.3) for part in parts]
        proto = model.proto(model.quantized(model.node("Concat", *made, axis=1), 0.3), opset)
        for node in proto.graph.node:
            if node.op_type == "DequantizeLinear" and opset < 13:
                del node.attribute[:]
            if node.op_type.endswith("QuantizeLinear") or node.op_type.endswith("DequantizeLinear"):
                node.domain = "com.microsoft" if opset < 10 else ""
        return proto

    @pytest.mark.parametrize("form", ["attribute", "input", "equal", "num_outputs"])
    def test_split(self, load, form):
        model = Model()
        inputs, attributes = [stem(model, 8)], {}
        if form == "input":
            inputs.append(numbers(model, 4, 4))
        elif form != "equal":
            attributes = {"split": [4, 4]} if form == "attribute" else {"num_outputs": 2}
        model.nodes.append(onnx.helper.make_node("Split", inputs, ["a", "b"], name="parts", axis=1, **attributes))
        graph = load(self.joined(model, ["a", "b"], 4, {"attribute": 11, "num_outputs": 18}.get(form, 13)))
        assert kinds(graph) == ["Conv", "Conv", "Conv", "Concat"]
        assert not graph.nodes[1].weight[:, 4:].any() and not graph.nodes[2].weight[:, :4].any()

    @pytest.mark.parametrize("bounds, taken", [
        (([0], [4], [1], [1]), [0, 1, 2, 3]), (([-4], [np.iinfo(np.int64).max], [1], None), [4, 5, 6, 7]),
        (([1], [8], [-3], [2]), [1, 3, 5, 7]), (([7], [-9], [1], [-2]), [1, 3, 5, 7]),
        (([0, 0, 0, 0], [1, 4, 8, 9], None, None), [0, 1, 2, 3])])
    def test_slice(self, load, bounds, taken):
        model = Model()
        source = stem(model, 8)
        operands = [numbers(model, *said) if said else "" for said in bounds]
        while not operands[-1]:
            operands.pop()
        graph = load(self.joined(model, [model.node("Slice", source, *operands)], 4))
        assert np.flatnonzero(graph.nodes[1].weight.any(axis=(0, 2, 3))).tolist() == taken

    def test_slice_of_an_old_opset(self, load):
        """Bounds are attributes; the quantizers were ONNX Runtime's own."""
        model = Model()
        part = model.node("Slice", stem(model, 8), starts=[2], ends=[6], axes=[1])
        assert kinds(load(self.joined(model, [part], 4, 9))) == ["Conv", "Conv", "Concat"]

    @pytest.mark.parametrize("indices", [[3, 1, 0, 2], [5, -1, 0, 4], [2, 2, 3, 2]])
    def test_gather(self, load, indices):
        """Also a channel that is taken several times: then its weights are added, or the Select stays."""
        model = Model()
        graph = load(self.joined(model, [model.node("Gather", stem(model, 6), numbers(model, *indices), axis=1)], 4))
        assert len(selects(graph)) <= 1 and kinds(graph)[0] == "Conv"

    def test_concatenation_of_slices_in_order(self, load):
        model = Model()
        model.nodes.append(onnx.helper.make_node("Split", [stem(model, 6)], ["a", "b"], name="parts", axis=1))
        whole = model.node("Concat", "a", "b", axis=1)
        assert kinds(load(model.proto(model.quantized(model.node("MaxPool", whole, kernel_shape=[2, 2]), 0.04)))) == [
            "Conv", "MaxPool"]

    def test_concatenation_of_slices_in_another_order(self, load):
        """Stored integers: no quantizer stands between."""
        model = Model(kind=np.int8, zero_point=3)
        value = model.node("QuantizeLinear", model.conv(model.quantized("image"), 6, 3, 1, 1), *model.parameters(0.04))
        model.nodes.append(onnx.helper.make_node("Split", [value], ["a", "b"], name="parts", axis=1))
        value = model.node("DequantizeLinear", model.node("Concat", "b", "a", axis=1), *model.parameters(0.04))
        graph = load(model.proto(model.quantized(model.conv(value, 3, 6, 3, 3), 0.3)))
        assert kinds(graph) == ["Conv", "Conv"]

    def test_halves_that_are_added(self, load):
        """What convolutions do not read: the convolution that makes it becomes two."""
        model = Model()
        value = model.quantized(model.conv(stem(model, 4), 6, 4, 1, 1), 0.1)
        model.nodes.append(onnx.helper.make_node("Split", [value], ["a", "b"], name="parts", axis=1))
        value = model.node("MaxPool", "a", kernel_shape=[3, 3], pads=[1] * 4)
        graph = load(model.proto(model.quantized(model.node("Add", value, "b"), 0.06)))
        assert sorted(kinds(graph)) == ["Add", "Conv", "Conv", "Conv", "MaxPool"]

    def test_halves_of_a_pooled_map_that_are_added(self, load):
        """What no convolution makes either is computed."""
        model = Model(4)
        pooled = model.quantized(model.node("MaxPool", model.quantized("image"), kernel_shape=[2, 2]))
        model.nodes.append(onnx.helper.make_node("Split", [pooled], ["a", "b"], name="parts", axis=1))
        graph = load(model.proto(model.quantized(model.node("Add", "a", "b"), 0.06)))
        assert kinds(graph) == ["MaxPool", "Select", "Select", "Add"]

    def test_as_the_result(self, load):
        model = Model()
        part = model.node("Slice", stem(model, 8), numbers(model, 2), numbers(model, 5), numbers(model, 1))
        graph = load(model.proto(model.quantized(part, 0.04)))
        assert kinds(graph) == ["Conv"] and graph.tensors[graph.output].channels == 3

    def test_of_the_image(self, load):
        """BGR for RGB, before the image is quantized."""
        model = Model()
        value = model.quantized(model.node("Gather", "image", numbers(model, 2, 1, 0), axis=1))
        graph = load(model.proto(model.quantized(model.conv(value, 4, 3, 3, 3), 0.2)))
        assert kinds(graph) == ["Conv"]

    def test_in_qoperator_form(self, load):
        model = Model()
        stored = model.node("QuantizeLinear", "image", *model.parameters())
        ends, more = model.parameters(0.04), model.parameters(0.3)

        def conv(source: str, before: list[str], after: list[str], *shape: int) -> str:
            integers = model.constant(model.rng.integers(-90, 90, shape).astype(np.int8))
            return model.node("QLinearConv", source, *before, integers, model.constant(np.float32(0.01)),
                              model.constant(np.int8(0)), *after)

        value = conv(stored, model.parameters(), ends, 6, 3, 1, 1)
        value = shuffled(model, value, 2, 6, (8, 9))
        model.nodes.append(onnx.helper.make_node("Split", [value, numbers(model, 2, 4)], ["a", "b"], axis=1))
        value = conv("b", ends, more, 5, 4, 1, 1)
        graph = load(model.proto(model.node("DequantizeLinear", value, *more)))
        assert kinds(graph) == ["Conv", "Conv"]

    @pytest.mark.parametrize("kind, operands, attributes, found", [
        ("Slice", [[0], [4], [2]], {}, r"\(Slice\): takes a part of rows or columns; channels of a map, in any order"),
        ("Slice", [[0], [0], [1]], {}, r"\(Slice\): "),
        ("Slice", [[0], [4], [1], [0]], {}, r"\(Slice\): "),
        ("Gather", [[1, 2]], {"axis": 3}, r"\(Gather\): takes a part of rows or columns"),
        ("Gather", [[1, 9]], {"axis": 1}, r"\(Gather\): indices outside axis 1 of shape \[1, 6, 8, 9\]"),
        ("Split", [[2, 3]], {"axis": 1}, r"\(Split\): ")])
    def test_what_is_refused(self, kind, operands, attributes, found, tmp_path):
        model = Model()
        value = model.node(kind, stem(model, 6), *(numbers(model, *operand) for operand in operands), **attributes)
        onnx.save(model.proto(model.quantized(model.node("Relu", value), 0.04)), tmp_path / "m.onnx")
        with pytest.raises(FirelaneError, match=found):
            load_graph(tmp_path / "m.onnx")

    def test_a_part_of_no_channels(self, tmp_path):
        model = Model()
        model.nodes.append(onnx.helper.make_node("Split", [stem(model, 6), numbers(model, 0, 6)], ["a", "b"],
                                                 name="parts", axis=1))
        onnx.save(model.proto(model.quantized("b")), tmp_path / "m.onnx")
        with pytest.raises(FirelaneError, match=r"^parts \(Split\): a part of no channels: \[0, 6\]; leave that"):
            load_graph(tmp_path / "m.onnx")

    def test_of_probabilities(self, tmp_path):
        model = Model(6, 1, 1)
        value = model.node("Softmax", model.node("Flatten", model.quantized("image")), axis=1)
        value = model.node("Slice", value, numbers(model, 1), numbers(model, 6), numbers(model, 1))
        onnx.save(model.proto(value), tmp_path / "m.onnx")
        with pytest.raises(FirelaneError, match="reads the result of a Softmax; Softmax is possible only at the end"):
            load_graph(tmp_path / "m.onnx")

    def test_more_channels_than_can_be_kept(self, tmp_path):
        model = Model(4096, 1, 1)
        source = model.quantized("image")
        for _ in range(1030):
            model.node("Slice", source, "ends", "starts", "axes", "steps")
        for name, value in (("ends", 4095), ("starts", -4097), ("axes", 1), ("steps", -1)):
            model.constant(np.int64([value]), name)
        onnx.save(model.proto(model.quantized(model.node("Relu", source))), tmp_path / "m.onnx")
        with pytest.raises(FirelaneError, match="takes more channels of maps than can be kept; 4194304 in all are "):
            load_graph(tmp_path / "m.onnx")


def random_model(rng: np.random.Generator) -> onnx.ModelProto:
    """A chain of selections, convolutions, pools, additions and concatenations of quantized maps."""
    model = Model(int(rng.choice([2, 3, 4])), 6, 7, kind=[np.uint8, np.int8][rng.integers(2)],
                  zero_point=int(rng.integers(0, 10)))
    channels, colours, values = 12, model.input.type.tensor_type.shape.dim[1].dim_value, []
    value = model.quantized(model.conv(model.quantized("image"), channels, colours, 1, 1), 0.1)
    for _ in range(rng.integers(2, 7)):
        kept = model.quantized(value, 0.1) if rng.random() < 0.3 else value
        match rng.integers(8):
            case 0 | 1:
                groups = int(rng.choice([2, 3, 4, 6]))
                value = shuffled(model, kept, groups, channels, (6, 7))
            case 2:
                first = int(rng.integers(1, channels))
                names = [f"split{len(model.nodes)}_{index}" for index in (0, 1)]
                model.nodes.append(onnx.helper.make_node(
                    "Split", [kept, numbers(model, first, channels - first)], names, axis=1))
                value = model.node("Concat", *(names[::-1] if rng.random() < 0.7 else names), axis=1)
            case 3:
                value = model.node("Gather", kept, numbers(model, *rng.permutation(channels).tolist()), axis=1)
            case 4:
                value = model.node("MaxPool", kept, kernel_shape=[3, 3], pads=[1] * 4)
            case 5:
                groups = int(rng.choice([1, 2, 3, 12]))
                value = model.quantized(model.conv(kept, channels, channels // groups, 3, 3, group=groups,
                                                   pads=[1] * 4), 0.1)
            case 6:
                half = model.node("Slice", kept, numbers(model, int(rng.integers(2))), numbers(model, channels),
                                  numbers(model, 1), numbers(model, 2))
                part = model.quantized(model.conv(kept, channels // 2, channels, 1, 1), 0.1)
                value = model.node("Concat", half, part, axis=1)
            case 7 if values:
                value = model.quantized(model.node("Add", kept, values[rng.integers(len(values))]), 0.1)
        values.append(value)
    value = model.quantized(value, 0.1)
    if rng.random() < 0.5:
        value = model.quantized(model.conv(value, 5, channels, 1, 1), 0.1)
    return model.proto(value)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.integers(0, 2 ** 32 - 1))
def test_random_models(seed):
    """Within a step of ONNX Runtime, layer by layer; and with every Select as it was read, the same numbers."""
    proto = random_model(np.random.default_rng(seed))
    graph, given_graph = load_graph(proto), load_graph(proto, WEIGHTS_AS_GIVEN)
    for each in (graph, given_graph):
        assert validate(each, proto, seed=seed).tensors > 0
    assert len(selects(graph)) <= len(selects(given_graph))
    assert sum(isinstance(node, Conv) for node in graph.nodes) >= 1
