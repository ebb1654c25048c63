"""The fully connected layer at the end of a float network, as the convolution that it is."""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import helper, numpy_helper

from firelane.compiler.quantize.canonical import shapes_of

FLATTENING = frozenset({"Flatten", "Reshape", "Squeeze"})
HOST = frozenset({"Softmax", "LogSoftmax", "Sigmoid", "HardSigmoid", "Tanh", "ArgMax"})    # behind the result


def with_last_convolution(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose last Gemm, or MatMul with or without an Add, is a Conv of its name; the model itself without one.

    It is one that reads a flattened map and whose result nothing but the host reads: its kernel is of the map's size,
    and a Flatten behind it has its result.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    layer = next((node for node in reversed(graph.node) if node.op_type in ("Gemm", "MatMul")), None)
    flat = next((node for node in graph.node if layer and node.output[0] == layer.input[0]), None)
    if layer is None or flat is None or flat.op_type not in FLATTENING or not _plain(layer, constants):
        return model
    bias = constants.get(layer.input[2]) if len(layer.input) > 2 else None
    last = _sum_behind(graph, layer, constants) if layer.op_type == "MatMul" else None
    if last is not None:
        bias = next(constants[name] for name in last.input if name in constants)
    result = (last or layer).output[0]
    shape, matrix = shapes_of(model).get(flat.input[0], ()), _rows(layer, constants[layer.input[1]])
    if len(shape) != 4 or math.prod(shape[1:]) != matrix.shape[1] or _goes_on(graph, result) or (
            bias is not None and bias.size not in (1, len(matrix))):
        return model
    name = layer.name or result
    new = {f"{name}/kernel": matrix.reshape(len(matrix), *shape[1:])}
    if bias is not None:
        new[f"{name}/bias"] = np.broadcast_to(bias.ravel(), len(matrix))
    graph.initializer.extend(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), key)
                             for key, values in new.items())
    place = list(graph.node).index(layer)
    for node in filter(None, (layer, last)):
        graph.node.remove(node)
    graph.node.insert(place, helper.make_node("Flatten", [f"{name}/map"], [result], name=f"{name}/flatten", axis=1))
    graph.node.insert(place, helper.make_node("Conv", [flat.input[0], *new], [f"{name}/map"], name=name,
                                              kernel_shape=shape[2:]))
    if not any(flat.output[0] in node.input for node in graph.node):
        graph.node.remove(flat)
    return onnx.shape_inference.infer_shapes(copy)


def _plain(layer: onnx.NodeProto, constants: dict[str, np.ndarray]) -> bool:
    """Whether a layer is x @ w + c with constant w and c, w transposed or not."""
    said = {each.name: helper.get_attribute_value(each) for each in layer.attribute}
    return (all(name in constants for name in layer.input[1:] if name) and constants[layer.input[1]].ndim == 2
            and not said.get("transA") and (said.get("alpha", 1.0), said.get("beta", 1.0)) == (1.0, 1.0))


def _rows(layer: onnx.NodeProto, matrix: np.ndarray) -> np.ndarray:
    """The weights (N, K)."""
    return matrix if any(each.name == "transB" and each.i for each in layer.attribute) else matrix.T


def _sum_behind(graph: onnx.GraphProto, layer: onnx.NodeProto,
                constants: dict[str, np.ndarray]) -> onnx.NodeProto | None:
    """The Add of a constant that alone reads the layer."""
    readers = [node for node in graph.node if layer.output[0] in node.input]
    found = [node for node in readers if node.op_type == "Add" and any(name in constants for name in node.input)]
    return found[0] if len(readers) == 1 and found else None


def _goes_on(graph: onnx.GraphProto, result: str) -> bool:
    """Whether the network computes on with the result; what the host does is none of that."""
    return any(result in node.input and node.op_type not in HOST for node in graph.node)

