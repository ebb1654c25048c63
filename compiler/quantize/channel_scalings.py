"""Arithmetic by channel in a float model, BatchNormalization and constants, moved into convolutions; exact.

A chain of it is one factor and one offset for each channel. They join the convolution before it, or the one after it
if that has no padding, or become a depthwise convolution of 1x1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, numpy_helper

from firelane.compiler.quantize.finite import epsilon_of


@dataclass(frozen=True, eq=False)
class _Scaling:
    """y = x * factor + offset, float64 (C,) each."""

    factor: np.ndarray
    offset: np.ndarray

    def then(self, other: _Scaling) -> _Scaling:
        return _Scaling(self.factor * other.factor, self.offset * other.factor + other.offset)


def moved_scalings(graph: onnx.GraphProto, shapes: dict[str, tuple[int, ...]]) -> bool:
    """Every chain of channel-wise arithmetic put into a convolution, in place; whether there was one."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    outputs = {value.name for value in graph.output}
    changed = False
    index = 0
    while index < len(graph.node):
        found = _scaling(graph.node[index], constants, shapes)
        if found is None:
            index += 1
            continue
        source, scaling = found
        last = graph.node[index]
        chain = [last]
        while True:
            readers = [node for node in graph.node if last.output[0] in node.input]
            more = _scaling(readers[0], constants, shapes) if len(readers) == 1 else None
            if more is None or last.output[0] in outputs:
                break
            last, scaling = readers[0], scaling.then(more[1])
            chain.append(last)
        _place(graph, chain, source, scaling, constants)
        changed, index = True, 0
    return changed


def _scaling(node: onnx.NodeProto, constants: dict, shapes: dict) -> tuple[str, _Scaling] | None:
    """The map that a node scales by channel, and how; None if that is not what it does."""
    if node.op_type == "BatchNormalization":
        if not all(name in constants for name in node.input[1:5]) or len(shapes.get(node.input[0], ())) != 4:
            return None
        scale, bias, mean, variance = (numpy_helper.to_array(constants[name]).astype(np.float64)
                                       for name in node.input[1:5])
        factor = scale / np.sqrt(variance + epsilon_of(node))
        return node.input[0], _Scaling(factor, bias - mean * factor)
    if node.op_type not in ("Mul", "Div", "Add", "Sub") or len(node.input) != 2:
        return None
    held = [name in constants for name in node.input]
    if sum(held) != 1:
        return None
    source, name = node.input[held.index(False)], node.input[held.index(True)]
    shape, values = shapes.get(source, ()), numpy_helper.to_array(constants[name]).astype(np.float64)
    if len(shape) != 4 or values.size not in (1, shape[1]) or values.shape not in _by_channel(values, shape[1]):
        return None
    scaling = _arithmetic(node.op_type, np.broadcast_to(values.ravel(), shape[1]), constant_last=held[1])
    return None if scaling is None else (source, scaling)


def _arithmetic(op_type: str, values: np.ndarray, *, constant_last: bool) -> _Scaling | None:
    """What Mul, Div, Add or Sub of a map and a constant does."""
    ones, zeros = np.ones(len(values)), np.zeros(len(values))
    match op_type:
        case "Mul":
            return _Scaling(values, zeros)
        case "Div" if constant_last and np.all(values != 0):
            return _Scaling(1 / values, zeros)
        case "Add":
            return _Scaling(ones, values)
        case "Sub":
            return _Scaling(ones, -values) if constant_last else _Scaling(-ones, values)
    return None


def _by_channel(values: np.ndarray, channels: int) -> tuple[tuple[int, ...], ...]:
    """The shapes in which a constant means one number for each channel, or one for all."""
    if values.size == 1:
        return ((), (1,), (1, 1), (1, 1, 1), (1, 1, 1, 1))
    return (channels, 1, 1), (1, channels, 1, 1)


def _place(graph: onnx.GraphProto, chain: list[onnx.NodeProto], source: str, scaling: _Scaling,
           constants: dict[str, onnx.TensorProto]) -> None:
    """Put the arithmetic of `chain` into a convolution, and take the chain away, in place."""
    result = chain[-1].output[0]
    before = [node for node in graph.node if source in node.output and node.op_type == "Conv"]
    alone = [node for node in graph.node if source in node.input] == [chain[0]]
    after = [node for node in graph.node if result in node.input]
    shown = {value.name for value in graph.output}
    place = list(graph.node).index(chain[0])
    new = []
    if before and alone and source not in shown and _own(graph, before[0], constants):
        _scale_conv(graph, before[0], constants, scaling, outputs=True)
        before[0].output[0] = result
    elif len(after) == 1 and result not in shown and _plain(after[0], result) and _own(graph, after[0], constants):
        _scale_conv(graph, after[0], constants, scaling, outputs=False)
        after[0].input[0] = source
    else:
        new = [_depthwise(graph, chain[-1], source, scaling, constants)]
    for node in chain:
        graph.node.remove(node)
    for node in reversed(new):
        graph.node.insert(place, node)


def _depthwise(graph: onnx.GraphProto, last: onnx.NodeProto, source: str, scaling: _Scaling,
               constants: dict[str, onnx.TensorProto]) -> onnx.NodeProto:
    """A convolution of 1x1 that does no more than scale each channel; its parameters join the graph's."""
    result, channels = last.output[0], len(scaling.factor)
    names = [f"{result}/weight", f"{result}/bias"]
    for name, values in zip(names, (scaling.factor.reshape(channels, 1, 1, 1), scaling.offset)):
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
        constants[name] = graph.initializer[-1]
    return helper.make_node("Conv", [source, *names], [result], name=last.name or result, group=channels,
                            kernel_shape=[1, 1])


def _own(graph: onnx.GraphProto, conv: onnx.NodeProto, constants: dict) -> bool:
    """Whether a convolution's parameters are constants that nobody else reads."""
    names = [name for name in conv.input[1:] if name]
    read = [name for node in graph.node for name in node.input]
    return all(name in constants and read.count(name) == 1 for name in names)


def _plain(conv: onnx.NodeProto, source: str) -> bool:
    """Whether a node is a dense convolution that sees no padding."""
    said = {attribute.name: attribute for attribute in conv.attribute}
    return (conv.op_type == "Conv" and conv.input[0] == source and ("pads" not in said or not any(said["pads"].ints))
            and ("auto_pad" not in said or said["auto_pad"].s in (b"NOTSET", b"VALID"))
            and ("group" not in said or said["group"].i == 1))


def _scale_conv(graph: onnx.GraphProto, conv: onnx.NodeProto, constants: dict, scaling: _Scaling, *,
                outputs: bool) -> None:
    """Scale a convolution's results, or what it reads, in place."""
    weight = numpy_helper.to_array(constants[conv.input[1]]).astype(np.float64)
    bias = np.zeros(len(weight))
    if len(conv.input) > 2 and conv.input[2]:
        bias = numpy_helper.to_array(constants[conv.input[2]]).astype(np.float64)
    if outputs:
        weight, bias = weight * scaling.factor[:, None, None, None], bias * scaling.factor + scaling.offset
    else:
        bias = bias + np.einsum("oikl,i->o", weight, scaling.offset)
        weight = weight * scaling.factor[:, None, None]
    if len(conv.input) < 3 or not conv.input[2]:
        name = f"{conv.input[1]}/bias"
        graph.initializer.append(numpy_helper.from_array(np.asarray(bias, np.float32), name))
        constants[name] = graph.initializer[-1]
        conv.input[:] = [*conv.input[:2], name]
    for name, values in ((conv.input[1], weight), (conv.input[2], bias)):
        constants[name].CopyFrom(numpy_helper.from_array(values.astype(np.float32), name))
