"""The nodes and tensors of the graph that is being read."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

import numpy as np

from firelane.compiler.ir.graph import PIXEL_MAX, Node, Select, Tensor
from firelane.compiler.onnx_import.values import Quantization, Target, Value


class Builder:
    """The nodes and tensors of a graph, while it is built.

    Parameters
    ----------
    input : str
        Name of the ONNX graph's input.
    read : set of str
        Names that some node, or the graph's output, reads.
    """

    def __init__(self, input: str, read: set[str]):
        self.input, self.read = input, read
        self.host_operators: list[str] = []          # at the end, left to the host
        self.input_tensor: Tensor | None = None
        self.nodes: list[Node] = []
        self.channels_last: set[str] = set()         # tensors whose ONNX form is (1, rows, columns, channels)
        self._taken: set[str] = set()                # names of nodes
        self._nodes_named: dict[str, int] = {}       # how often a name was wanted
        self._tensors_named: dict[str, int] = {}
        self.tensors: dict[str, Tensor] = {}
        self.quantized: dict[tuple[int, Quantization], tuple[Value, Tensor]] = {}    # by identity of the value
        self.parts: dict[tuple, tuple[Value, Tensor]] = {}       # the same, of parts of a map with their clamp
        self.selected: dict[tuple[str, bytes], Tensor] = {}      # by the tensor, and which channels of it
        self.selected_channels = 0                               # of all values that are channels of others

    def settle_input(self, tensor: Tensor) -> Tensor:
        """The network's input tensor: `tensor`, unless another was settled before."""
        if self.input_tensor is None:
            self.input_tensor = self.tensors[tensor.name] = tensor
        return self.input_tensor

    def tensor(self, target: Target, dims: tuple[int, int, int]) -> Tensor:
        """The tensor of `target`; its name is made unique."""
        name = _unique(target.name, self.tensors, self._tensors_named)
        return Tensor(name, *dims, target.quantization.scale, target.quantization.zero_point)

    def select(self, name: str, source: Tensor, channels: np.ndarray, result: str) -> Tensor:
        """The tensor of these channels of `source`; written once, however often it is asked for."""
        key = (source.name, channels.astype(np.int64).tobytes())
        if key not in self.selected:
            target = Target(result, Quantization(source.scale, source.zero_point), 0, PIXEL_MAX)
            tensor = self.tensor(target, (channels.size, source.height, source.width))
            self.selected[key] = self.add(Select(name, (source.name,), tensor.name, channels), tensor)
        return self.selected[key]

    def add(self, node: Node, tensor: Tensor) -> Tensor:
        """`node`, its name made unique, makes `tensor`."""
        name = _unique(node.name, self._taken, self._nodes_named)
        self._taken.add(name)
        self.nodes.append(replace(node, name=name))
        self.tensors[tensor.name] = tensor
        return tensor


def _unique(name: str, taken: Container[str], counts: dict[str, int]) -> str:
    """`name`, or name#2, name#3, ...; `counts` remembers where to go on."""
    while True:
        count = counts[name] = counts.get(name, 0) + 1
        candidate = f"{name}#{count}" if count > 1 else name
        if candidate not in taken:
            return candidate
