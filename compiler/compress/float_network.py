"""The quantized graph with weights that are real numbers: forwards, and backwards for gradients.

Numbers are those of `compiler.ir.graph`, in steps of the tensors (a pixel is 0 .. 255), but weights and biases are
float32 and in steps of the layer's *output*: z = sum(weight * x) + bias, y = clip(round(z), low, high). Going
backwards, rounding counts as the identity (straight-through estimator, Bengio et al., arXiv 1308.3432, section 4) and
clipping stops the gradient. Maps are float32 (C, H, W), one image at a time: so images can be shared out among
threads, and sums of gradients do not depend on how many threads there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from firelane.compiler.ir.graph import (
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
    WindowNode,
)
from firelane.compiler.ir.windows import margins, padded, views

Maps = dict[str, np.ndarray]
Take = Callable[[Conv, np.ndarray, np.ndarray], None]       #: see `FloatNetwork.backward`


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of a convolution in steps of the output: `taps` float32 (O, I * KH * KW), `bias` float32 (O,)."""

    taps: np.ndarray
    bias: np.ndarray


def scales(requantize: Requantize) -> np.ndarray:
    """The real factor of each output channel, from accumulator to output steps: float64 (O,) or (1,)."""
    return requantize.multiplier / np.exp2(requantize.shift)


def integer_weights(node: Conv) -> Weights:
    """The weights that the graph has, as real numbers."""
    scale = scales(node.requantize)
    taps = node.weight.reshape(len(node.weight), -1) * scale[:, None]
    bias = node.requantize.bias * scale + node.requantize.zero_point
    return Weights(taps.astype(np.float32), np.broadcast_to(bias, len(taps)).astype(np.float32))


class FloatNetwork:
    """A graph that runs with any weights.

    Parameters
    ----------
    graph : the quantized graph, whose convolutions' own weights are not looked at
    rounding : whether activations are rounded to integers, as in the engine, or only clipped from below
    """

    def __init__(self, graph: Graph, rounding: bool = True):
        self.graph = graph
        self.rounding = rounding
        self.convolutions = tuple(node for node in graph.nodes if isinstance(node, Conv))

    def forward(self, image: np.ndarray, weights: dict[str, Weights]) -> Maps:
        """All tensors for one image, uint8 or float32 (C, H, W)."""
        maps: Maps = {self.graph.input: np.asarray(image, np.float32)}
        for node in self.graph.nodes:
            maps[node.output] = self.output(node, [maps[name] for name in node.inputs], weights)
        return maps

    def output(self, node: Node, inputs: list[np.ndarray], weights: dict[str, Weights]) -> np.ndarray:
        """The output of one node, from its inputs: float32 (C, H, W) each."""
        result = self.graph.tensors[node.output]
        if not isinstance(node, Conv):
            return self._compute(node, inputs, result)
        sums = product(node, weights[node.name].taps, columns(node, inputs[0], self._zero_point(node), result))
        sums += weights[node.name].bias[:, None]
        return self._rounded(sums, node.requantize).reshape(result.shape)

    def backward(self, maps: Maps, weights: dict[str, Weights], gradient: np.ndarray | Maps,
                 take: Take) -> None:
        """Propagate `gradient` (of the output tensor, or of several by name) down to the first convolution.

        `take` is given each convolution, its inputs (groups, I * KH * KW, pixels), and the gradient of its sums
        (O, pixels).
        """
        given = gradient if isinstance(gradient, dict) else {self.graph.output: gradient}
        gradients = {name: np.array(value, np.float32) for name, value in given.items()}
        for node in reversed(self.graph.nodes):
            if node.output not in gradients:
                continue
            arrived = gradients.pop(node.output)
            if isinstance(node, RequantizingNode):
                arrived = arrived * self._passes(maps[node.output], node.requantize)
            for name, part in self._inputs_of(node, maps, weights, arrived, take):
                gradients[name] = gradients[name] + part if name in gradients else part

    def _zero_point(self, node: Node) -> int:
        return self.graph.tensors[node.inputs[0]].zero_point

    def _rounded(self, sums: np.ndarray, requantize: Requantize) -> np.ndarray:
        """The sums rounded and clipped, in place."""
        if not self.rounding:
            return np.maximum(sums, requantize.low, out=sums)
        np.add(sums, np.float32(0.5), out=sums)
        np.floor(sums, out=sums)
        return np.clip(sums, requantize.low, requantize.high, out=sums)

    def _passes(self, output: np.ndarray, requantize: Requantize) -> np.ndarray:
        """A mask of the places where clipping lets gradients through."""
        inside = output > requantize.low
        return inside & (output < requantize.high) if self.rounding else inside

    def _compute(self, node: Node, inputs: list[np.ndarray], result: Tensor) -> np.ndarray:
        match node:
            case MaxPool():
                first, *others = views(padded(inputs[0], node.window, result, 0), node.window, result)
                found = first.copy()
                for view in others:
                    np.maximum(found, view, out=found)
                return found
            case Concat() | Select():
                return inputs[0][node.channels] if isinstance(node, Select) else np.concatenate(inputs)
            case Maximum():
                return np.maximum(*inputs)
            case AveragePool():
                around = padded(inputs[0], node.window, result, self._zero_point(node))
                first, *others = views(around, node.window, result)
                return self._scaled(node, sum(others, first))
            case GlobalAverage():
                return self._scaled(node, inputs[0].sum(axis=(1, 2), keepdims=True))
            case Add():
                return self._scaled(node, sum(node.weights_a) * inputs[0] + sum(node.weights_b) * inputs[1])
            case Rescale():
                return self._scaled(node, inputs[0])
            case ChannelScale():
                return self._scaled(node, _factors(node) * inputs[0])
        raise TypeError(f"node {node.name}: {type(node).__name__} has no float form")

    def _scaled(self, node: RequantizingNode, sums: np.ndarray) -> np.ndarray:
        """Sums of stored values in steps of the output."""
        requantize = node.requantize
        scale = scales(requantize).astype(np.float32)[:, None, None]
        offset = (requantize.bias[:, None, None] * scale + requantize.zero_point).astype(np.float32)
        return self._rounded(sums * scale + offset, requantize)

    def _inputs_of(self, node: Node, maps: Maps, weights: dict[str, Weights], arrived: np.ndarray,
                   take: Take) -> Iterator[tuple[str, np.ndarray]]:
        """Each input of a node, and its gradient."""
        source = maps[node.inputs[0]]
        result = self.graph.tensors[node.output]
        match node:
            case Conv():
                arrived = arrived.reshape(len(arrived), -1)
                take(node, columns(node, source, self._zero_point(node), result), arrived)
                if node.inputs[0] != self.graph.input:
                    yield node.inputs[0], _to_map(node, weights[node.name].taps, arrived, source.shape, result)
            case MaxPool():
                yield node.inputs[0], _to_maximum(node, source, maps[node.output], arrived, result)
            case Concat():
                ends = np.cumsum([len(maps[name]) for name in node.inputs])[:-1]
                yield from zip(node.inputs, np.split(arrived, ends))
            case Maximum():
                larger = source >= maps[node.inputs[1]]
                yield node.inputs[0], np.where(larger, arrived, 0)
                yield node.inputs[1], np.where(larger, 0, arrived)
            case Select():
                gradient = np.zeros_like(source)
                np.add.at(gradient, node.channels, arrived)
                yield node.inputs[0], gradient
            case Add():
                scaled = arrived * np.float32(scales(node.requantize)[0])
                yield node.inputs[0], scaled * sum(node.weights_a)
                yield node.inputs[1], scaled * sum(node.weights_b)
            case AveragePool() | GlobalAverage() | Rescale() | ChannelScale():
                scaled = arrived * scales(node.requantize).astype(np.float32)[:, None, None]
                yield node.inputs[0], _spread(node, scaled, source.shape, result)
            case _:
                raise TypeError(f"node {node.name}: {type(node).__name__} has no gradient")


def columns(node: Conv, values: np.ndarray, zero_point: int, result: Tensor) -> np.ndarray:
    """The inputs that each output pixel sees, in OIHW order: float32 (groups, I * KH * KW, H' * W')."""
    places, window = node.weight.shape[2] * node.weight.shape[3], node.window
    pixels = result.height * result.width
    if places == 1 and window.stride == (1, 1) and not any(window.pads):
        return values.reshape(node.groups, -1, pixels)
    seen = np.empty((len(values), places, result.height, result.width), np.float32)
    for place, view in enumerate(views(padded(values, window, result, zero_point), window, result)):
        seen[:, place] = view
    return seen.reshape(node.groups, -1, pixels)


def product(node: Conv, taps: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Sums of a convolution: float32 (O, pixels)."""
    grouped = taps.reshape(node.groups, -1, taps.shape[1])
    return np.matmul(grouped, seen).reshape(len(taps), -1)


def _to_map(node: Conv, taps: np.ndarray, arrived: np.ndarray, shape: tuple[int, ...], result: Tensor) -> np.ndarray:
    """The gradient of a convolution's input (C, H, W)."""
    grouped = taps.reshape(node.groups, -1, taps.shape[1])
    parts = np.matmul(grouped.transpose(0, 2, 1), arrived.reshape(node.groups, -1, arrived.shape[1]))
    parts = parts.reshape(shape[0], -1, result.height, result.width)
    return _add_views(node, parts.transpose(1, 0, 2, 3), shape, result)


def _to_maximum(node: MaxPool, source: np.ndarray, output: np.ndarray, arrived: np.ndarray,
                result: Tensor) -> np.ndarray:
    """The gradient of a maximum's input: it goes to the first of the places that have the maximum."""
    free = arrived
    parts = []
    for view in views(padded(source, node.window, result, -1), node.window, result):
        chosen = view == output
        parts.append(np.where(chosen, free, 0))
        free = np.where(chosen, 0, free)
    return _add_views(node, parts, source.shape, result)


def _spread(node: Node, arrived: np.ndarray, shape: tuple[int, ...], result: Tensor) -> np.ndarray:
    """The gradient of what was summed: all of it gets the whole gradient, times its factor."""
    if isinstance(node, ChannelScale):
        return arrived * _factors(node)
    if isinstance(node, AveragePool):
        height, width = node.window.kernel
        return _add_views(node, [arrived] * (height * width), shape, result)
    return np.broadcast_to(arrived, shape)


def _factors(node: ChannelScale) -> np.ndarray:
    """The factors as they multiply a map: float32 (C, 1, 1)."""
    return node.factors.astype(np.float32)[:, None, None]


def _add_views(node: WindowNode, parts: Iterable[np.ndarray], shape: tuple[int, ...], result: Tensor) -> np.ndarray:
    """The map (C, H, W) that `parts`, one (C, H', W') for each place of the window, add up to."""
    channels, height, width = shape
    (top, bottom), (left, right) = margins((height, width), node.window, result)
    around = np.zeros((channels, height + top + bottom, width + left + right), np.float32)
    for view, part in zip(views(around, node.window, result), parts):
        np.add(view, part, out=view)
    return around[:, top:top + height, left:left + width]
