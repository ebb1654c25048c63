"""The graph in integers, real weights, and the QDQ model in ONNX: each made from another, all saying the same."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import onnx
from onnx import numpy_helper

from firelane.compiler.coding.parameter_form import nearest_biases
from firelane.compiler.compress.float_network import Weights, integer_weights
from firelane.compiler.ir.graph import Conv, Graph, Node, Requantize
from firelane.compiler.onnx_import.windows import dense
from firelane.compiler.support.errors import ModelError

BIAS_LIMIT = (1 << 31) - 1


@dataclass(frozen=True, eq=False)
class IntegerLayer:
    """A convolution in integers.

    `levels` int8 (O, n); `multiplier`, `shift`, `bias` int64 (O,) of `compiler.ir.graph.Requantize`.
    """

    levels: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray
    bias: np.ndarray

    @property
    def steps(self) -> np.ndarray:
        """What a level is worth in output steps: float64 (O,), exact."""
        return self.multiplier / np.exp2(self.shift)

    def weights(self, node: Conv) -> Weights:
        """The weights as real numbers in output steps."""
        return integer_weights(self.of_node(node))

    def of_node(self, node: Conv) -> Conv:
        """`node` with these integers."""
        old = node.requantize
        requantize = Requantize(bias=self.bias, multiplier=self.multiplier, shift=self.shift,
                                zero_point=old.zero_point, low=old.low, high=old.high)
        return replace(node, weight=self.levels.reshape(node.weight.shape), requantize=requantize)


def integer_layer(node: Conv, levels: np.ndarray, multiplier: np.ndarray, shift: np.ndarray,
                  bias: np.ndarray) -> IntegerLayer:
    """The layer with `bias` (float (O,), in output steps, with zero point) on the grid of short parameter records."""
    wanted = (bias.astype(np.float64) - node.requantize.zero_point) * np.exp2(shift) / multiplier
    integers = nearest_biases(np.clip(wanted, -BIAS_LIMIT, BIAS_LIMIT), multiplier, shift)
    return IntegerLayer(levels, multiplier, shift, integers)


def with_layers(graph: Graph, layers: Mapping[str, IntegerLayer]) -> Graph:
    """The graph with other weights in the convolutions that are named."""
    def changed(node: Node) -> Node:
        return layers[node.name].of_node(node) if isinstance(node, Conv) and node.name in layers else node
    return graph.with_nodes(map(changed, graph.nodes))


def real_weights(graph: Graph, model: onnx.ModelProto) -> dict[str, Weights]:
    """The weights of a float model's convolutions, in output steps of the graph that was quantized from it.

    With real = (stored - zero point) * scale for input and output, y = W x + b becomes
    y' = (W s_x / s_y) x' + b / s_y - sum(W s_x / s_y) z_x + z_y.

    Raises
    ------
    ModelError
        If it has no Conv for one of the graph's.
    """
    result = known_weights(graph, model)
    _refuse_missing((node.name for node in graph.nodes if isinstance(node, Conv)), result)
    return result


def known_weights(graph: Graph, model: onnx.ModelProto) -> dict[str, Weights]:
    """The same of those convolutions that are a Conv of the float model, of their name."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    result = {}
    nodes = {node.name: node for node in graph.nodes if isinstance(node, Conv)}
    for source in model.graph.node:
        node = nodes.get(source.name)
        if source.op_type != "Conv" or node is None:
            continue
        read, made = graph.tensors[node.inputs[0]], graph.tensors[node.output]
        taps = dense(numpy_helper.to_array(constants[source.input[1]]), dilations(source)).astype(np.float64)
        taps = taps.reshape(len(taps), -1) * (read.scale / made.scale)
        bias = (numpy_helper.to_array(constants[source.input[2]]).astype(np.float64) / made.scale
                if len(source.input) > 2 and source.input[2] else np.zeros(len(taps)))
        bias = bias - taps.sum(axis=1) * read.zero_point + made.zero_point
        result[node.name] = Weights(taps.astype(np.float32), bias.astype(np.float32))
    return result


def dilations(node: onnx.NodeProto) -> tuple[int, int]:
    """Distances of the rows and of the columns of a Conv's kernel; the graph has it dense, with zeros in between."""
    said = next((each.ints for each in node.attribute if each.name == "dilations"), (1, 1))
    return said[0], said[1]


def graph_weights(graph: Graph) -> dict[str, Weights]:
    """The weights of a graph that was quantized before."""
    return {node.name: integer_weights(node) for node in graph.nodes if isinstance(node, Conv)}


def with_weights(model: onnx.ModelProto, graph: Graph, layers: Mapping[str, IntegerLayer]) -> onnx.ModelProto:
    """A copy of the QDQ `model`, from which `graph` was read, with `layers` as int8 weights, a scale a channel."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    nodes = {node.name: node for node in graph.nodes if isinstance(node, Conv)}
    found = {target.name: target for target in changed.graph.node
             if target.op_type == "Conv" and target.name in layers}
    _refuse_missing(layers, found)
    for target in found.values():
        target.input[:] = target.input[:1]
    _drop_unused(changed.graph)                             # first: they may have the names of the new ones
    for name, target in found.items():
        _add_weights(changed.graph, target, nodes[name], graph, layers[name])
    ordered = [node for node in changed.graph.node if node.name.startswith(PREFIX)]
    others = [node for node in changed.graph.node if node not in ordered]
    del changed.graph.node[:]
    changed.graph.node.extend([*ordered, *others])
    onnx.checker.check_model(changed, full_check=True)
    return changed


PREFIX = "firelane/"        #: of the names of what `with_weights` adds


def _add_weights(proto: onnx.GraphProto, target: onnx.NodeProto, node: Conv, graph: Graph,
                 layer: IntegerLayer) -> None:
    read, made = graph.tensors[node.inputs[0]], graph.tensors[node.output]
    scales = (layer.steps * (made.scale / read.scale)).astype(np.float32)
    bias = layer.bias + read.zero_point * layer.levels.astype(np.int64).sum(axis=1)
    rows, columns = dilations(target)
    levels = layer.levels.reshape(node.weight.shape)[:, :, ::rows, ::columns]
    parts = {"weight": (levels, scales, np.zeros(len(scales), np.int8)),
             "bias": (bias.astype(np.int32), (scales * np.float32(read.scale)), np.zeros(len(scales), np.int32))}
    names = []
    for part, arrays in parts.items():
        inputs = [f"{PREFIX}{node.name}/{part}{suffix}" for suffix in ("", "/scale", "/zero_point")]
        proto.initializer.extend(numpy_helper.from_array(array, name) for array, name in zip(arrays, inputs))
        output = f"{PREFIX}{node.name}/{part}/real"
        proto.node.append(onnx.helper.make_node("DequantizeLinear", inputs, [output], name=output, axis=0))
        names.append(output)
    target.input.extend(names)


def _drop_unused(proto: onnx.GraphProto) -> None:
    """Remove nodes and constants that nobody reads any more."""
    outputs = {value.name for value in proto.output}
    while True:
        read = outputs | {name for node in proto.node for name in node.input}
        dead = [node for node in proto.node if read.isdisjoint(node.output)]
        if not dead:
            break
        for node in dead:
            proto.node.remove(node)
    for tensor in [tensor for tensor in proto.initializer if tensor.name not in read]:
        proto.initializer.remove(tensor)


def _refuse_missing(wanted: Iterable[str], found: Container[str]) -> None:
    missing = next((name for name in wanted if name not in found), None)
    if missing is not None:
        raise ModelError(missing, "its weights are not those of a Conv node of this name",
                         hint="only convolutions with a name can be compressed, and in a float model the "
                                             "fully connected layer at its end")
