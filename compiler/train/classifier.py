"""A float network taken apart before its last layer with weights, and put together with one for other classes.

What is behind that layer (activation, average, Softmax) is not kept: the new classifier is a convolution or a fully
connected layer without an activation, the average of its map if it has one, and a Softmax. So a class's score is linear
in its weights: what the layer reads, averaged, is all that fitting it needs. (Behind the ReLU that SqueezeNet has there
a class whose scores are all negative would learn nothing.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from firelane.compiler.frame_io.classes import record_names
from firelane.compiler.onnx_import.reader import Source, label, read_source
from firelane.compiler.onnx_import.standard import shapes_of
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.quantize.last_layer import with_last_convolution
from firelane.compiler.support.errors import ModelError

WEIGHTED = frozenset({"Conv", "Gemm", "MatMul"})
BEHIND = frozenset({"AveragePool", "Clip", "Dropout", "Flatten", "GlobalAveragePool", "LogSoftmax", "Relu", "Reshape",
                    "Sigmoid", "Softmax", "Squeeze"})      # what a classifier may have behind its last weights


@dataclass(frozen=True, eq=False)
class Trunk:
    """All layers before the classifier.

    Parameters
    ----------
    model : onnx.ModelProto
        Its output is what the classifier reads.
    layer : str
        The classifier's name.
    shape : tuple of int
        What the classifier reads: (C, H, W), or (values,).
    kernel : (rows, columns)
        Of the classifier, a convolution; (1, 1) of a fully connected layer.
    output : str
        The network's result.
    """

    model: onnx.ModelProto
    layer: str
    shape: tuple[int, ...]
    kernel: tuple[int, int]
    output: str

    @property
    def source(self) -> str:
        """The tensor that the classifier reads."""
        return self.model.graph.output[0].name

    @property
    def features(self) -> int:
        """How many numbers a class's score is a sum of."""
        return self.shape[0] * self.kernel[0] * self.kernel[1]

    def averaged(self, values: np.ndarray) -> np.ndarray:
        """The features of what the trunk gives, float32 (1, ...): what each tap of the classifier sees on average."""
        if len(self.shape) == 1:
            return values.reshape(-1)
        seen = np.lib.stride_tricks.sliding_window_view(values[0], self.kernel, axis=(1, 2))
        return seen.mean(axis=(1, 2), dtype=np.float64).astype(np.float32).reshape(-1)


def take_apart(source: Source) -> Trunk:
    """The trunk of a float network that classifies.

    Raises
    ------
    ModelError
        If it cannot be read or is quantized, or what is behind its last layer with weights is no classifier's.
    """
    model = with_last_convolution(read_float_model(source))
    graph, shapes = model.graph, shapes_of(model)
    place = max((index for index, node in enumerate(graph.node) if node.op_type in WEIGHTED), default=-1)
    if place < 0:
        raise ModelError(str(read_source(source)[1]), "has no layer with weights",
                         hint="give a network that classifies")
    layer, behind = graph.node[place], list(graph.node)[place + 1:]
    constants = {tensor.name: tensor for tensor in graph.initializer}
    if layer.op_type == "MatMul" or layer.input[1] not in constants:
        raise ModelError(label(layer), "is the last layer with weights", hint="a Conv or a Gemm can be replaced")
    for node in behind:
        if node.op_type not in BEHIND:
            raise ModelError(label(node), f"is behind {label(layer)}, the last layer with weights",
                             hint=f"a classifier may have {', '.join(sorted(BEHIND))} there")
    shape = shapes.get(layer.input[0], ())
    if len(shape) != (4 if layer.op_type == "Conv" else 2) or len(graph.output) != 1:
        raise ModelError(label(layer), f"reads a tensor of shape {list(shape)}", hint="export the network again")
    kernel = tuple(constants[layer.input[1]].dims[2:]) if layer.op_type == "Conv" else (1, 1)
    return Trunk(_before(model, place, layer.input[0], shape), layer.name or layer.output[0], tuple(shape[1:]),
                 (kernel[0], kernel[1]), graph.output[0].name)


def put_together(trunk: Trunk, weight: np.ndarray, bias: np.ndarray, names: Sequence[str]) -> onnx.ModelProto:
    """The network with another classifier, and the names of its classes in its metadata.

    Parameters
    ----------
    weight : float (classes, features)
    bias : float (classes,)
    """
    model = onnx.ModelProto()
    model.CopyFrom(trunk.model)
    graph, mapped = model.graph, len(trunk.shape) == 3
    taken = {name for node in graph.node for name in (*node.input, *node.output)}
    stem = trunk.layer if not any(name.startswith(f"{trunk.layer}/") for name in taken) else f"{trunk.layer}/classes"
    kernel = (trunk.shape[0], *trunk.kernel) if mapped else trunk.shape
    for kind, values in (("weight", weight.reshape(len(weight), *kernel)), ("bias", bias)):
        graph.initializer.append(numpy_helper.from_array(np.asarray(values, np.float32), f"{stem}/{kind}"))
    operands, scores = [trunk.source, f"{stem}/weight", f"{stem}/bias"], f"{stem}/scores"
    if mapped:
        graph.node.extend(_map_nodes(trunk, stem, operands, scores))
    else:
        graph.node.append(helper.make_node("Gemm", operands, [scores], name=stem, transB=1))
    graph.node.append(helper.make_node("Softmax", [scores], [trunk.output], name=f"{stem}/softmax", axis=1))
    del graph.output[:], graph.value_info[:]
    graph.output.append(helper.make_tensor_value_info(trunk.output, TensorProto.FLOAT, [1, len(weight)]))
    model = onnx.shape_inference.infer_shapes(record_names(model, names))
    onnx.checker.check_model(model)
    return model


def _map_nodes(trunk: Trunk, stem: str, operands: list[str], scores: str) -> list[onnx.NodeProto]:
    """A convolution, the average of its map if it is one, and its values in a row."""
    nodes = [helper.make_node("Conv", operands, [f"{stem}/map"], name=stem, kernel_shape=trunk.kernel)]
    if trunk.shape[1:] != trunk.kernel:
        average = f"{stem}/average"
        nodes.append(helper.make_node("GlobalAveragePool", [f"{stem}/map"], [average], name=average))
    return [*nodes, helper.make_node("Flatten", [nodes[-1].output[0]], [scores], name=f"{stem}/flatten", axis=1)]


def _before(model: onnx.ModelProto, place: int, source: str, shape: tuple[int, ...]) -> onnx.ModelProto:
    """The network's nodes before `place`, as far as `source` depends on them, which is its result."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph, needed, kept = copy.graph, {source}, []
    for node in reversed(list(graph.node)[:place]):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    weights = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.node[:], graph.initializer[:], graph.output[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(weights)
    graph.output.append(helper.make_tensor_value_info(source, TensorProto.FLOAT, shape))
    return copy
