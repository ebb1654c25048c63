"""The nodes and tensors of the graph that is being read."""

from __future__ import annotations

import itertools
from collections.abc import Container
from dataclasses import replace

from firelane.compiler.ir.graph import Node, Tensor
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
        self.tensors: dict[str, Tensor] = {}
        self.quantized: dict[tuple[int, Quantization], tuple[Value, Tensor]] = {}    # by identity of the value

    def settle_input(self, tensor: Tensor) -> Tensor:
        """The network's input tensor: `tensor`, unless another was settled before."""
        if self.input_tensor is None:
            self.input_tensor = self.tensors[tensor.name] = tensor
        return self.input_tensor

    def tensor(self, target: Target, dims: tuple[int, int, int]) -> Tensor:
        """The tensor of `target`; its name is made unique."""
        name = _unique(target.name, self.tensors)
        return Tensor(name, *dims, target.quantization.scale, target.quantization.zero_point)

    def add(self, node: Node, tensor: Tensor) -> Tensor:
        """`node`, its name made unique, makes `tensor`."""
        self.nodes.append(replace(node, name=_unique(node.name, {other.name for other in self.nodes})))
        self.tensors[tensor.name] = tensor
        return tensor


def _unique(name: str, taken: Container[str]) -> str:
    """`name`, or name#2, name#3, ..."""
    return next(candidate for count in itertools.count(1)
                if (candidate := f"{name}#{count}" if count > 1 else name) not in taken)
