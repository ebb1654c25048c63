"""A network taken apart before its classifier, and put together with another one."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from firelane.compiler.frame_io.classes import recorded_names
from firelane.compiler.frame_io.preprocessing import INPUT_KEY
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.support.errors import ModelError
from firelane.compiler.support.onnx_runtime import open_session
from firelane.compiler.train.classifier import put_together, take_apart
from firelane.models.catalogue import EMBEDDED
from tests.compiler.train.pictures import SIDE, network

RNG = np.random.default_rng(0)
NAMES = ("a", "b", "c", "d")


def model_of(nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray], result: tuple[int, ...]) -> onnx.ModelProto:
    """A network of pictures (2, 6, 6)."""
    graph = helper.make_graph(nodes, "net", [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 2, 6, 6])],
                              [helper.make_tensor_value_info("result", TensorProto.FLOAT, result)],
                              [numpy_helper.from_array(values, name) for name, values in weights.items()])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])


def random(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def average_then_gemm() -> onnx.ModelProto:
    return model_of([helper.make_node("Conv", ["image", "k"], ["map"], name="conv1"),
                     helper.make_node("Relu", ["map"], ["clean"]),
                     helper.make_node("GlobalAveragePool", ["clean"], ["mean"]),
                     helper.make_node("Flatten", ["mean"], ["flat"]),
                     helper.make_node("Gemm", ["flat", "w", "b"], ["result"], name="fc", transB=1)],
                    {"k": random(5, 2, 3, 3), "w": random(7, 5), "b": random(7)}, (1, 7))


def whole_map() -> onnx.ModelProto:
    """A fully connected layer that reads a map of 5 x 4 x 4."""
    return model_of([helper.make_node("Conv", ["image", "k"], ["map"], name="conv1"),
                     helper.make_node("Relu", ["map"], ["clean"]), helper.make_node("Flatten", ["clean"], ["flat"]),
                     helper.make_node("Gemm", ["flat", "w"], ["scores"], name="fc"),
                     helper.make_node("Softmax", ["scores"], ["result"], axis=1)],
                    {"k": random(5, 2, 3, 3), "w": random(80, 7)}, (1, 7))


def two_gemms() -> onnx.ModelProto:
    return model_of([helper.make_node("Flatten", ["image"], ["flat"]),
                     helper.make_node("Gemm", ["flat", "w", "b"], ["hidden"], name="fc1"),
                     helper.make_node("Relu", ["hidden"], ["clean"]),
                     helper.make_node("Gemm", ["clean", "v", "c"], ["result"], name="fc2")],
                    {"w": random(72, 9), "b": random(9), "v": random(9, 3), "c": random(3)}, (1, 3))


def padded_conv() -> onnx.ModelProto:
    """As Caffe has it: the classifier is 1x1 with padding, and a ReLU follows."""
    return model_of([helper.make_node("Relu", ["image"], ["before"]),
                     helper.make_node("Conv", ["before", "w", "b"], ["map"], name="conv10", pads=[1] * 4),
                     helper.make_node("Relu", ["map"], ["clean"]),
                     helper.make_node("GlobalAveragePool", ["clean"], ["result"])],
                    {"w": random(7, 2, 1, 1), "b": random(7)}, (1, 7, 1, 1))


def three_by_three() -> onnx.ModelProto:
    return model_of([helper.make_node("Relu", ["image"], ["before"]),
                     helper.make_node("Conv", ["before", "w"], ["map"], name="conv10"),
                     helper.make_node("GlobalAveragePool", ["map"], ["result"])],
                    {"w": random(7, 2, 3, 3)}, (1, 7, 1, 1))


@pytest.mark.parametrize("make, features", [
    (average_then_gemm, 5), (whole_map, 80), (two_gemms, 9), (padded_conv, 2), (three_by_three, 18),
    (network, 32)])
def test_scores_are_linear_in_the_features(make, features):
    """What is put together says in ONNX Runtime what its weights say of the features."""
    trunk = take_apart(make())
    assert trunk.features == features
    weight, bias = RNG.normal(0, 0.3, (4, features)), RNG.normal(size=4)
    model = put_together(trunk, weight, bias, NAMES)
    whole, before = open_session(model), open_session(trunk.model)
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    for _ in range(3):
        feed = {model.graph.input[0].name: RNG.normal(0, 1, shape).astype(np.float32)}
        scores = weight @ trunk.averaged(before.run(None, feed)[0]).astype(np.float64) + bias
        wanted = np.exp(scores - scores.max())
        assert whole.run(None, feed)[0] == pytest.approx((wanted / wanted.sum())[None], abs=1e-5)


def test_names_and_preprocessing_are_in_it():
    trunk = take_apart(network())
    model = put_together(trunk, np.zeros((4, 32)), np.zeros(4), NAMES)
    assert recorded_names(metadata(model), 4) == NAMES
    assert metadata(model)[INPUT_KEY] == metadata(network())[INPUT_KEY]
    assert [dim.dim_value for dim in model.graph.output[0].type.tensor_type.shape.dim] == [1, 4]
    assert [node.op_type for node in model.graph.node][-4:] == ["Conv", "GlobalAveragePool", "Flatten", "Softmax"]


def test_it_may_be_taken_apart_again():
    once = put_together(take_apart(network()), RNG.normal(size=(4, 32)), np.zeros(4), NAMES)
    twice = put_together(take_apart(once), RNG.normal(size=(3, 32)), np.zeros(3), NAMES[:3])
    assert take_apart(twice).features == 32 and recorded_names(metadata(twice)) == NAMES[:3]


class TestRefused:
    def test_a_quantized_network(self):
        with pytest.raises(ModelError, match="is quantized already"):
            take_apart(EMBEDDED["digits"])

    def test_no_weights(self):
        with pytest.raises(ModelError, match="has no layer with weights"):
            take_apart(model_of([helper.make_node("GlobalAveragePool", ["image"], ["result"])], {}, (1, 2, 1, 1)))

    def test_what_does_not_classify(self):
        model = model_of([helper.make_node("Conv", ["image", "w"], ["map"], name="conv1"),
                          helper.make_node("Relu", ["map"], ["clean"]),
                          helper.make_node("Concat", ["clean", "image"], ["result"], name="join", axis=1)],
                         {"w": random(7, 2, 1, 1)}, (1, 9, 6, 6))
        with pytest.raises(ModelError, match=r"join \(Concat\): is behind conv1 \(Conv\), the last layer with weights"):
            take_apart(model)

    def test_a_matmul_that_reads_no_map(self):
        model = model_of([helper.make_node("Flatten", ["image"], ["flat"]),
                          helper.make_node("MatMul", ["flat", "w"], ["hidden"], name="one"),
                          helper.make_node("Relu", ["hidden"], ["clean"]),
                          helper.make_node("MatMul", ["clean", "v"], ["result"], name="two")],
                         {"w": random(72, 9), "v": random(9, 3)}, (1, 3))
        with pytest.raises(ModelError, match=r"two \(MatMul\): is the last layer with weights"):
            take_apart(model)


def test_the_side_of_pictures():
    assert take_apart(network()).model.graph.input[0].type.tensor_type.shape.dim[2].dim_value == SIDE
