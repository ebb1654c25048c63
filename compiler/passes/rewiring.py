"""What several passes need: tensors that take another's place, clamps in series."""

from __future__ import annotations

from dataclasses import replace

from firelane.compiler.ir.graph import (
    PIXEL_MAX,
    Node,
    Requantize,
    RequantizingNode,
)

ANY = 0, PIXEL_MAX                      #: the range of stored values of which nothing is known


def is_identity(requantize: Requantize, zero_point_in: int) -> bool:
    """Whether it gives back the stored value, its clamp aside."""
    return (requantize.bias.tolist() == [-zero_point_in] and requantize.zero_point == zero_point_in
            and requantize.multiplier.size == requantize.shift.size == 1
            and requantize.multiplier.item() == 1 << requantize.shift.item())


def clamped(requantize: Requantize, low: int, high: int) -> Requantize:
    """`requantize`, its result clamped to [low, high]."""
    return replace(requantize, low=min(max(requantize.low, low), high), high=min(max(requantize.high, low), high))


def value_range(node: Node, ranges: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """Bounds of the stored values that `node` makes, as clamps prove them; `ranges` are those of what it reads."""
    if isinstance(node, RequantizingNode):
        return node.requantize.low, node.requantize.high
    bounds = [ranges.get(name, ANY) for name in dict.fromkeys(node.inputs)]
    return min(low for low, _ in bounds), max(high for _, high in bounds)


def with_reads(node: Node, names: dict[str, str]) -> Node:
    """`node`, reading names[x] instead of x; itself if it reads none of them."""
    if names.keys().isdisjoint(node.inputs):
        return node
    return replace(node, inputs=tuple(names.get(name, name) for name in node.inputs))
