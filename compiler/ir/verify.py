"""The rules of a well-formed graph, checked after every pass: what breaks them is a defect of ours, not the user's."""

from __future__ import annotations

import math

import numpy as np

from firelane.compiler.ir.graph import (
    MULTIPLIER_BITS,
    PIXEL_MAX,
    SHIFT_MAX,
    SHIFT_MIN,
    Add,
    AveragePool,
    ChannelScale,
    Concat,
    Conv,
    GlobalAverage,
    Graph,
    Maximum,
    MaxPool,
    Node,
    Requantize,
    RequantizingNode,
    Rescale,
    Select,
    Tensor,
    Window,
)
from firelane.compiler.ir.quantization import ADD_FACTORS_MAX, BIAS_MAX, BIAS_MIN


class InvalidGraphError(Exception):
    """A pass or a generator made a graph that breaks the rules of `compiler.ir.graph`."""


def verify(graph: Graph, *, after: str = "construction") -> Graph:
    """`graph` itself, if it keeps every rule of `compiler.ir.graph`.

    Checked: execution order, unique names, shapes as they follow from the nodes' parameters, ranges of all integers,
    lengths of requantization arrays, and that what computes nothing does not change the quantization.

    Raises
    ------
    InvalidGraphError
        With the name of the step `after` which the graph is wrong, the node, and what is wrong.
    """
    try:
        _verify_tensors(graph)
        known = {graph.input}
        names = [node.name for node in graph.nodes]
        _require(len(set(names)) == len(names), graph.name, "two nodes have the same name")
        for node in graph.nodes:
            _verify_order(graph, node, known)
            known.add(node.output)
            _verify_node(graph, node)
        _require(graph.output in known and graph.nodes, graph.name, f"output {graph.output} is never computed")
    except InvalidGraphError as error:
        raise InvalidGraphError(f"after {after}: {error}") from None
    return graph


def window_output(size: int, kernel: int, stride: int, pad: int) -> int:
    """Number of windows along one axis (ONNX, floor mode); `pad` is the sum of both sides."""
    return (size + pad - kernel) // stride + 1


def _require(condition: object, where: str, message: str) -> None:
    if not condition:
        raise InvalidGraphError(f"{where}: {message}")


def _verify_tensors(graph: Graph) -> None:
    for name, tensor in graph.tensors.items():
        _require(name == tensor.name, name, f"is registered for tensor {tensor.name}")
        _require(min(tensor.shape) >= 1, name, f"has the empty shape {tensor.shape}")
        _require(math.isfinite(tensor.scale) and tensor.scale > 0, name, f"has scale {tensor.scale}")
        _require(0 <= tensor.zero_point <= PIXEL_MAX, name, f"has zero point {tensor.zero_point}")


def _verify_order(graph: Graph, node: Node, known: set[str]) -> None:
    _require(node.output in graph.tensors, node.name, f"output {node.output} is not a tensor of the graph")
    _require(node.output not in known, node.name, f"output {node.output} has another producer")
    for name in node.inputs:
        _require(name in known, node.name, f"reads {name} before it is computed")


def _verify_node(graph: Graph, node: Node) -> None:
    inputs, output = [graph.tensors[name] for name in node.inputs], graph.tensors[node.output]
    arity = {Add: 2, Maximum: 2, Concat: max(len(inputs), 1)}.get(type(node), 1)
    _require(len(inputs) == arity, node.name, f"has {len(inputs)} inputs, not {arity}")
    _require(output.shape == _shape(node, inputs, output), node.name,
             f"makes {_shape(node, inputs, output)}, but {node.output} has shape {output.shape}")
    if isinstance(node, RequantizingNode):
        _verify_requantize(node.name, node.requantize, output)
    else:
        for tensor in inputs:
            _require((tensor.scale, tensor.zero_point) == (output.scale, output.zero_point), node.name,
                     f"{tensor.name} and {output.name} differ in scale or zero point")
    if isinstance(node, Add):
        for factors in (node.weights_a, node.weights_b):
            _require(1 <= len(factors) <= ADD_FACTORS_MAX and max(map(abs, factors)) <= 127, node.name,
                     f"factors {factors} are not 1 to {ADD_FACTORS_MAX} of int8")


def _shape(node: Node, inputs: list[Tensor], output: Tensor) -> tuple[int, int, int]:
    """The shape that follows from the inputs; in ceil mode one row or column more is allowed."""
    first = inputs[0]
    match node:
        case Conv():
            return _conv_shape(node, first)
        case AveragePool():
            return _window_shape(node.window, first, first.channels)
        case MaxPool():
            shape = _window_shape(node.window, first, first.channels)
            return _ceil_shape(node, first, output, shape)
        case GlobalAverage():
            return (first.channels, 1, 1)
        case Add() | Maximum() | Rescale():
            _require(inputs[-1].shape == first.shape, node.name, f"reads {first.shape} and {inputs[-1].shape}")
            return first.shape
        case Concat():
            _require(len({t.shape[1:] for t in inputs}) == 1, node.name, "joins maps of different sizes")
            return (sum(t.channels for t in inputs), *first.shape[1:])
        case Select():
            channels = node.channels
            _require(channels.ndim == 1 and len(channels) and channels.min() >= 0 and channels.max() < first.channels,
                     node.name, f"takes channels {channels} of {first.channels}")
            return (len(channels), *first.shape[1:])
        case ChannelScale():
            _require(node.factors.shape == (first.channels,), node.name,
                     f"factors have shape {node.factors.shape} for {first.channels} channels")
            return first.shape
    raise InvalidGraphError(f"{node.name}: {type(node).__name__} is not a node of the IR")


def _conv_shape(node: Conv, source: Tensor) -> tuple[int, int, int]:
    channels_out, channels_in, *kernel = node.weight.shape
    _require(node.window.kernel == tuple(kernel), node.name, f"weights are {kernel}, window {node.window.kernel}")
    _require(channels_in * node.groups == source.channels and channels_out % node.groups == 0, node.name,
             f"weights {node.weight.shape} in {node.groups} groups do not fit {source.channels} channels")
    return _window_shape(node.window, source, channels_out)


def _window_shape(window: Window, source: Tensor, channels: int) -> tuple[int, int, int]:
    top, left, bottom, right = window.pads
    _require(min(*window.pads, 0) == 0 and min(window.stride + window.kernel) >= 1, source.name, f"{window} read it")
    return (channels, window_output(source.height, window.kernel[0], window.stride[0], top + bottom),
            window_output(source.width, window.kernel[1], window.stride[1], left + right))


def _ceil_shape(node: MaxPool, source: Tensor, output: Tensor, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """`shape`, or the output's where it has one more place that begins inside the map."""
    def size(axis: int) -> int:
        computed, wanted = shape[axis + 1], output.shape[axis + 1]
        begins = (wanted - 1) * node.window.stride[axis] - node.window.pads[axis]
        one_more = wanted == computed + 1 and begins < source.shape[axis + 1]
        return wanted if one_more else computed
    return shape[0], size(0), size(1)


def _verify_requantize(where: str, requantize: Requantize, output: Tensor) -> None:
    for name in ("bias", "multiplier", "shift"):
        array = getattr(requantize, name)
        _require(array.shape in ((1,), (output.channels,)), where,
                 f"{name} has shape {array.shape} for {output.channels} channels")
    low, high = 1 << (MULTIPLIER_BITS - 1), 1 << MULTIPLIER_BITS
    multiplier, shift = requantize.multiplier, requantize.shift
    _require(np.all((multiplier == 0) | ((multiplier >= low) & (multiplier < high))), where,
             f"multipliers are not in [{low}, {high})")
    _require(np.all((shift >= SHIFT_MIN) & (shift <= SHIFT_MAX)), where, f"shifts outside {SHIFT_MIN}..{SHIFT_MAX}")
    _require(np.all((requantize.bias >= BIAS_MIN) & (requantize.bias <= BIAS_MAX)), where, "biases do not fit 32 bits")
    _require(0 <= requantize.low <= requantize.high <= PIXEL_MAX, where,
             f"clamps to {requantize.low}..{requantize.high}")
    _require(requantize.zero_point == output.zero_point, where,
             f"zero point {requantize.zero_point}, but {output.name} has {output.zero_point}")
