"""Activations of a float graph that should share one scale.

Pooling, reshaping and concatenation move numbers without changing them. If what goes in and what comes out have one
scale, they are exact on the stored values; if the parts of a concatenation had scales of their own, as
`quantize_static` leaves them, each would be rounded twice and the engine would spend cycles on the second rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import onnx

from firelane.compiler.quantize.calibration import Ranges

__all__ = ["ScaleGroups", "scale_groups"]

MOVES = frozenset({"MaxPool", "Flatten", "Dropout", "Reshape", "Identity", "Squeeze", "Unsqueeze", "Transpose", "Split",
                   "Slice", "Gather"})
CLAMPS = frozenset({"Relu", "Clip"})
FIXED = frozenset({"Softmax", "LogSoftmax", "Sigmoid"})              # ONNX Runtime gives these their natural range


@dataclass(frozen=True)
class ScaleGroups:
    """Partition of the activations that will be quantized.

    Parameters
    ----------
    groups : tuples of tensor names, in the order of the graph
    computed_with : those tensors whose values somebody computes with: they are to be calibrated
    """

    groups: tuple[tuple[str, ...], ...]
    computed_with: tuple[str, ...]

    def of(self, tensor: str) -> tuple[str, ...]:
        """The group of one tensor; it alone if it is in none."""
        return next((group for group in self.groups if tensor in group), (tensor,))

    def shared(self, ranges: Ranges) -> Ranges:
        """The range of every tensor, from those of `computed_with`: each group takes the least that holds all."""
        result: Ranges = {}
        for group in self.groups:
            found = [ranges[name] for name in group if name in ranges]
            if found:
                common = min(low for low, _ in found), max(high for _, high in found)
                result |= dict.fromkeys(group, common)
        return result


def scale_groups(graph: onnx.GraphProto) -> ScaleGroups:
    """The groups of a float graph whose nodes are in order."""
    constants = {tensor.name for tensor in graph.initializer}
    outputs = {value.name for value in graph.output}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    members: dict[str, list[str]] = {value.name: [value.name] for value in graph.input if value.name not in constants}
    for node in graph.node:
        if node.op_type in FIXED or _clamped_next(node, readers, outputs):
            continue
        made = node.output if node.op_type == "Split" else node.output[:1]
        members.update((name, [name]) for name in made)
        for name, result in product(_tied(node), made):
            if name in members and members[name] is not members[result]:
                _merge(members, name, result)
    groups = tuple(dict.fromkeys(tuple(group) for group in members.values()))
    computed = tuple(name for name in members
                     if name in outputs or any(not _moves(reader) for reader in readers.get(name, [])))
    return ScaleGroups(groups, computed)


def _moves(node: onnx.NodeProto) -> bool:
    return node.op_type in MOVES or node.op_type == "Concat"


def _tied(node: onnx.NodeProto) -> list[str]:
    """The inputs that share the scale of the output."""
    return list(node.input) if node.op_type == "Concat" else list(node.input[:1]) if node.op_type in MOVES else []


def _clamped_next(node: onnx.NodeProto, readers: dict[str, list[onnx.NodeProto]], outputs: set[str]) -> bool:
    """Whether the output goes into a clamp only, which quantization takes in."""
    following = readers.get(node.output[0], []) if node.output else []
    return (len(following) == 1 and following[0].op_type in CLAMPS and node.output[0] not in outputs
            and node.op_type in ("Conv", "Gemm", "MatMul", "Add", "Mul"))


def _merge(members: dict[str, list[str]], first: str, second: str) -> None:
    kept, gone = members[first], members[second]
    kept.extend(gone)
    for name in gone:
        members[name] = kept
