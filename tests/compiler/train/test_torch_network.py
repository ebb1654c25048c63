"""Networks in PyTorch compute what ONNX Runtime does."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from firelane.compiler.onnx_import.reader import read_input
from firelane.compiler.support.errors import ModelError
from firelane.compiler.support.onnx_runtime import open_session
from firelane.compiler.train.classifier import put_together, take_apart
from firelane.models.starts import FLOAT
from tests.compiler.train.pictures import network

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'firelane[train]'")
from firelane.compiler.train.torch_network import TorchNetwork  # noqa: E402 (it imports torch)

RNG = np.random.default_rng(0)


def ready(source) -> onnx.ModelProto:
    """A network with a new classifier of four classes."""
    trunk = take_apart(source)
    return put_together(trunk, RNG.normal(0, 0.1, (4, trunk.features)), RNG.normal(size=4), tuple("abcd"))


def check_equal(model: onnx.ModelProto) -> None:
    """Scores of a batch of three in PyTorch, and of each image in ONNX Runtime."""
    source = read_input(model.graph)
    images = RNG.uniform(0, 2, (3, *source.dims)).astype(np.float32)
    torched = TorchNetwork(model).eval()
    with torch.no_grad():
        found = torch.softmax(torched(torch.from_numpy(images)), 1).numpy()
    session = open_session(model)
    wanted = np.concatenate([session.run(None, {source.name: image[None]})[0] for image in images])
    assert found == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("source", [*FLOAT.values(), network()], ids=[*FLOAT, "small"])
def test_it_computes_what_onnx_runtime_does(source):
    check_equal(ready(source))


@pytest.mark.parametrize("node, attributes, constants", [
    ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, {}),
    ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}, {}),
    ("MaxPool", {"kernel_shape": [2, 2], "auto_pad": "SAME_UPPER"}, {}),
    ("AveragePool", {"kernel_shape": [2, 2], "strides": [2, 2]}, {}),
    ("AveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}, {}),
    ("Clip", {}, {"low": np.float32(-0.5), "high": np.float32(1)}),
    ("LeakyRelu", {"alpha": 0.2}, {}),
    ("Dropout", {}, {}),
    ("Conv", {"group": 6}, {"w": RNG.normal(size=(6, 1, 3, 3)).astype(np.float32)}),
    ("Conv", {"auto_pad": "SAME_LOWER", "strides": [2, 2]}, {"w": RNG.normal(size=(6, 6, 2, 2)).astype(np.float32)}),
    ("Conv", {"dilations": [2, 1], "pads": [1, 0, 2, 1]}, {"w": RNG.normal(size=(6, 6, 3, 3)).astype(np.float32)})])
def test_operators(node, attributes, constants):
    """Each between two convolutions."""
    first, last = (RNG.normal(0, 0.5, shape).astype(np.float32) for shape in ((6, 2, 1, 1), (4, 6, 1, 1)))
    weights = {"first": first, "last": last, **constants}
    nodes = [helper.make_node("Conv", ["image", "first"], ["x"]),
             helper.make_node(node, ["x", *constants], ["y"], **attributes),
             helper.make_node("Conv", ["y", "last"], ["map"]), helper.make_node("GlobalAveragePool", ["map"], ["mean"]),
             helper.make_node("Flatten", ["mean"], ["scores"]), helper.make_node("Softmax", ["scores"], ["result"])]
    graph = helper.make_graph(nodes, "net", [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 2, 9, 10])],
                              [helper.make_tensor_value_info("result", TensorProto.FLOAT, [1, 4])],
                              [numpy_helper.from_array(np.asarray(values), name) for name, values in weights.items()])
    check_equal(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)]))


def test_weights_that_have_changed_are_written():
    model = ready(network())
    torched = TorchNetwork(model).eval()
    with torch.no_grad():
        for parameter in torched.parameters():
            parameter.mul_(0.5)
    written = torched.written()
    check_equal(written)
    before, after = ({tensor.name: numpy_helper.to_array(tensor) for tensor in one.graph.initializer}
                     for one in (model, written))
    changed = [name for name in before if not np.array_equal(before[name], after[name])]
    assert len(changed) == len(list(torched.parameters())) == 2 * sum(
        node.op_type == "Conv" for node in model.graph.node)
    assert all(np.array_equal(after[name], before[name] * 0.5) for name in changed)


def test_an_operator_that_is_not_known():
    model = ready(network())
    next(node for node in model.graph.node if node.op_type == "Add").op_type = "Pow"
    with pytest.raises(ModelError, match=r"bypass \(Pow\): cannot be trained; --layers last"):
        TorchNetwork(model)
