"""The fully connected layer at the end becomes a convolution that computes the same, and can be compressed."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import firelane
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.quantize.last_layer import with_last_convolution
from firelane.compiler.support.errors import ModelError

SIDE, CLASSES = 6, 5
IMAGES = np.random.default_rng(0).integers(0, 256, (10, 3, SIDE, SIDE), dtype=np.uint8)
RECORD = {"channels": "RGB", "mean": 0, "scale": 1}


def network(kind: str, *, whole: bool = False, behind: str = "") -> onnx.ModelProto:
    """A convolution, then a fully connected layer of its average, or of the whole map; and what stands behind that."""
    rng = np.random.default_rng(1)
    columns = 8 * 16 if whole else 8
    matrix = rng.normal(0, 0.8 / np.sqrt(columns), (columns, CLASSES)).astype(np.float32)
    constants = {"k": rng.normal(0, 0.02, (8, 3, 3, 3)), "w": matrix.T if kind == "Gemm" else matrix,
                 "b": rng.normal(0, 1, CLASSES), "two": np.array(2.0)}
    nodes = [helper.make_node("Conv", ["x", "k"], ["c"], name="conv"), helper.make_node("Relu", ["c"], ["r"]),
             helper.make_node("Identity" if whole else "GlobalAveragePool", ["r"], ["g"]),
             helper.make_node("Flatten", ["g"], ["f"])]
    if kind == "Gemm":
        nodes.append(helper.make_node("Gemm", ["f", "w", "b"], ["y"], name="fc", transB=1))
    else:
        nodes += [helper.make_node("MatMul", ["f", "w"], ["m"], name="fc"), helper.make_node("Add", ["b", "m"], ["y"])]
    if behind:
        nodes.append(helper.make_node(behind, ["y", "two"][:1 + (behind == "Mul")], ["z"], name="last"))
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
                              [helper.make_tensor_value_info("z" if behind else "y", TensorProto.FLOAT, [1, CLASSES])],
                              [numpy_helper.from_array(np.asarray(values, np.float32), name)
                               for name, values in constants.items()])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])


def results(model: onnx.ModelProto) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"x": image[None].astype(np.float32)})[0] for image in IMAGES])


@pytest.mark.parametrize("behind", ["", "Softmax"])
@pytest.mark.parametrize("whole", [False, True], ids=["average", "map"])
@pytest.mark.parametrize("kind", ["Gemm", "MatMul"])
def test_it_computes_the_same_and_is_compressed(kind, whole, behind):
    given = network(kind, whole=whole, behind=behind)
    made = with_last_convolution(read_float_model(given))
    assert [node.op_type for node in made.graph.node if node.name == "fc"] == ["Conv"]
    wanted = results(given)
    assert np.allclose(results(made), wanted, rtol=1e-4, atol=1e-5)
    found = firelane.compress(given, IMAGES, budget=20_000, thorough=False, **RECORD)
    assert found.agreement.images and "fc" in [node.name for node in found.graph.nodes]
    assert np.abs(results(found.model) - wanted).max() < 0.05 * np.abs(wanted).max()


def test_what_goes_on_behind_it_is_left():
    model = read_float_model(network("Gemm", behind="Mul"))
    assert with_last_convolution(model) is model
    with pytest.raises(ModelError, match=r"^fc: its weights are not those of a Conv node .* layer at its end$"):
        firelane.compress(network("Gemm", behind="Mul"), IMAGES, budget=20_000, **RECORD)
