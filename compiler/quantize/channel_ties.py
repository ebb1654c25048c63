"""Which channels of which maps of a float graph can be scaled only together.

ReLU, pooling, concatenation and addition keep what is scaled scaled: relu(f x) = f relu(x) for f > 0. So the channels
that they tie take one factor, and nothing but the layers that make them and those that read them need change: what
makes channel c has the rows of its weights, and its bias, multiplied by the factor, what reads it has columns divided.
Any other node, and the network's input and output, keep their channels as they are: at factor 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper

__all__ = ["FIXED", "LAYERS", "ChannelTies", "channel_ties", "weight_axes"]

KEEPING = frozenset({"Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool", "Dropout", "Identity"})
FLATTENING = frozenset({"Flatten", "Reshape", "Squeeze"})
LAYERS = frozenset({"Conv", "Gemm", "MatMul"})
FIXED = 0                   #: the class whose factor is 1


@dataclass(frozen=True, eq=False)
class ChannelTies:
    """The class of each channel: channels of one class have one factor, those of class `FIXED` have 1.

    Parameters
    ----------
    classes : dict of str to int64 (C,)
        By tensor; tensors that are missing are fixed.
    count : int
        How many classes there are; they are numbered from 0, `FIXED`.
    """

    classes: dict[str, np.ndarray]
    count: int

    def of(self, tensor: str) -> np.ndarray:
        """The classes of a tensor's channels, int64 (C,); a single `FIXED` for all of one that has none."""
        return self.classes.get(tensor, np.array([FIXED]))


def channel_ties(graph: onnx.GraphProto, shapes: dict[str, tuple[int, ...]]) -> ChannelTies:
    """The classes of a float graph with channels first, whose nodes are in order.

    Parameters
    ----------
    shapes : of its tensors, by name; batch 1
    """
    sets = _Sets(graph, shapes)
    for node in graph.node:
        if node.op_type in LAYERS and sets.owns(node):
            sets.fixed(name for name in (node.input[0], node.output[0]) if not sets.has_channels(name))
        elif not sets.keeps(node):
            sets.fixed([*node.input, *node.output])
    sets.fixed(value.name for value in (*graph.input, *graph.output))
    return sets.ties()


def weight_axes(node: onnx.NodeProto, dimensions: int) -> tuple[int, int]:
    """The axis of a layer's weight that its input's channels are along, and that of its output's."""
    if node.op_type == "Conv" or any(each.name == "transB" and each.i for each in node.attribute):
        return 1, 0
    return dimensions - 2, dimensions - 1


class _Sets:
    """Disjoint sets of channels (union-find); a channel is the number of its tensor's first one and its own."""

    def __init__(self, graph: onnx.GraphProto, shapes: dict[str, tuple[int, ...]]):
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._read = [name for node in graph.node for name in node.input]
        self._shapes = shapes
        names = dict.fromkeys(name for node in graph.node for name in (*node.input, *node.output)
                              if name and name not in self._constants)
        self._first: dict[str, int] = {}
        total = 1                                       # 0 is what is fixed
        for name in names:
            if self.has_channels(name):
                self._first[name] = total
                total += shapes[name][1]
        self._parent = np.arange(total)

    def has_channels(self, name: str) -> bool:
        """Whether a tensor is (1, C, ...)."""
        shape = self._shapes.get(name, ())
        return len(shape) in (2, 4) and shape[0] == 1

    def owns(self, node: onnx.NodeProto) -> bool:
        """Whether a layer's weight, of two axes or more, and bias are constants that no other node reads."""
        names = [name for name in node.input[1:] if name]
        return (bool(names) and all(name in self._constants and self._read.count(name) == 1 for name in names)
                and len(self._constants[names[0]].dims) > 1)

    def keeps(self, node: onnx.NodeProto) -> bool:
        """Tie what a node ties; whether it is one that keeps what is scaled scaled."""
        result = node.output[0]
        sources = [name for name in node.input if name]
        if not self.has_channels(result) or not all(map(self.has_channels, sources[:1])):
            return False
        if node.op_type in KEEPING or (node.op_type in FLATTENING and self._one_pixel(sources[0])):
            self._tie(sources[0], result)
        elif node.op_type == "Add" and all(self._shapes.get(name) == self._shapes[result] for name in sources):
            for name in sources:
                self._tie(name, result)
        elif node.op_type == "Concat" and helper.get_node_attr_value(node, "axis") == 1:
            start = 0
            for name in sources:
                self._tie(name, result, start)
                start += self._shapes[name][1]
        else:
            return False
        return True

    def fixed(self, names: Iterable[str]) -> None:
        """Fix all channels of the tensors."""
        for name in names:
            if name in self._first:
                for channel in range(self._shapes[name][1]):
                    self._join(FIXED, self._first[name] + channel)

    def ties(self) -> ChannelTies:
        """The classes, numbered in the order of the graph."""
        roots = np.array([self._root(channel) for channel in range(len(self._parent))])
        _, numbers = np.unique(roots, return_inverse=True)         # the root of what is fixed is 0, and comes first
        classes = {name: numbers[first:first + self._shapes[name][1]] for name, first in self._first.items()}
        return ChannelTies(classes, int(numbers.max()) + 1)

    def _one_pixel(self, name: str) -> bool:
        return int(np.prod(self._shapes[name])) == self._shapes[name][1]

    def _tie(self, source: str, result: str, start: int = 0) -> None:
        if source not in self._first:                   # a constant
            self.fixed([result])
            return
        for channel in range(self._shapes[source][1]):
            self._join(self._first[source] + channel, self._first[result] + start + channel)

    def _join(self, first: int, second: int) -> None:
        """The lower of both roots stays one."""
        low, high = sorted((self._root(first), self._root(second)))
        self._parent[high] = low

    def _root(self, channel: int) -> int:
        while self._parent[channel] != channel:
            self._parent[channel] = self._parent[self._parent[channel]]
            channel = self._parent[channel]
        return channel
