"""A Rescale that only clamps (a ReLU after its own QuantizeLinear) joins the requantization before it."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeGuard

from firelane.compiler.ir.graph import Graph, Node, RequantizingNode, Rescale
from firelane.compiler.passes.rewiring import clamped, is_identity


def fold_clamp(graph: Graph) -> Graph:
    """Every Rescale goes that only clamps what one requantizing node makes for it alone."""
    made: dict[str, int] = {}                            # of each tensor: the place of its node in `nodes`
    nodes: list[Node] = []
    gone: set[str] = set()
    for node in graph.nodes:
        place = made.get(node.inputs[0])
        producer = None if place is None else nodes[place]
        if place is not None and isinstance(producer, RequantizingNode) and _folds(node, graph):
            requantize = clamped(producer.requantize, node.requantize.low, node.requantize.high)
            nodes[place] = replace(producer, output=node.output, requantize=requantize)
            made[node.output] = place
            gone.add(node.inputs[0])
        else:
            made[node.output] = len(nodes)
            nodes.append(node)
    if not gone:
        return graph
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name not in gone}
    return replace(graph, nodes=tuple(nodes), tensors=tensors)


def _folds(node: Node, graph: Graph) -> TypeGuard[Rescale]:
    """Whether `node` only clamps what nobody else reads."""
    if not isinstance(node, Rescale):
        return False
    source, result = graph.tensors[node.inputs[0]], graph.tensors[node.output]
    return (source.name != graph.output and len(graph.consumers(source.name)) == 1 and source.scale == result.scale
            and is_identity(node.requantize, source.zero_point))
