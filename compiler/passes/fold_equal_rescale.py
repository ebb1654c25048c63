"""A Rescale that changes nothing disappears: DequantizeLinear and QuantizeLinear with the same parameters."""

from __future__ import annotations

from dataclasses import replace

from firelane.compiler.ir.graph import Graph, Node, Rescale
from firelane.compiler.passes.rewiring import ANY, is_identity, value_range


def fold_equal_rescale(graph: Graph) -> Graph:
    """Every Rescale goes whose output always equals its input, and whose clamp never bites.

    Its input takes the name of its output, which is the name that the source graph gave to the integers; the network's
    input keeps its own. The last node of a network stays.
    """
    names: dict[str, str] = {}                           # of tensors that go: what has their values now
    ranges: dict[str, tuple[int, int]] = {}              # of the stored values of each tensor
    kept: list[Node] = []
    for place, node in enumerate(graph.nodes):
        source = _now(names, node.inputs[0])
        more = len(kept) + len(graph.nodes) - place > 1
        if more and isinstance(node, Rescale) and _changes_nothing(graph, node, source, ranges):
            ranges[node.output] = ranges.get(source, ANY)
            old, new = (node.output, source) if source == graph.input else (source, node.output)
            names[old] = new
        else:
            ranges[node.output] = value_range(node, ranges)
            kept.append(node)
    if not names:
        return graph
    nodes = [_renamed(names, node) for node in kept]
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name not in names}
    return replace(graph, nodes=tuple(nodes), tensors=tensors, output=_now(names, graph.output))


def _changes_nothing(graph: Graph, node: Rescale, source: str, ranges: dict[str, tuple[int, int]]) -> bool:
    before, result = graph.tensors[source], graph.tensors[node.output]
    low, high = ranges.get(source, ANY)
    return (before.scale == result.scale and is_identity(node.requantize, before.zero_point)
            and node.requantize.low <= low and node.requantize.high >= high
            and not (source == graph.input and node.output == graph.output))


def _now(names: dict[str, str], name: str) -> str:
    """What a tensor is called after all renaming so far."""
    passed = []
    while name in names:
        passed.append(name)
        name = names[name]
    names.update(dict.fromkeys(passed, name))            # the way is shorter the next time
    return name


def _renamed(names: dict[str, str], node: Node) -> Node:
    inputs, output = tuple(_now(names, name) for name in node.inputs), _now(names, node.output)
    return node if (inputs, output) == (node.inputs, node.output) else replace(node, inputs=inputs, output=output)
