"""A Rescale that only clamps (a ReLU after its own QuantizeLinear) joins the requantization before it."""

from __future__ import annotations

from dataclasses import replace

from firelane.compiler.ir.graph import Graph, Node, RequantizingNode, Rescale
from firelane.compiler.passes.rewiring import clamped, is_identity, without


def fold_clamp(graph: Graph) -> Graph:
    """Every Rescale goes that only clamps what one requantizing node makes for it alone."""
    while True:
        pair = next((pair for node in graph.nodes if (pair := _foldable(graph, node))), None)
        if pair is None:
            return graph
        node, producer = pair
        requantize = clamped(producer.requantize, node.requantize.low, node.requantize.high)
        graph = without(graph, node, replace(producer, requantize=requantize))


def _foldable(graph: Graph, node: Node) -> tuple[Rescale, RequantizingNode] | None:
    """`node` and the node before it, if they can become one."""
    if not isinstance(node, Rescale):
        return None
    source, result = (graph.tensors[name] for name in (node.inputs[0], node.output))
    producer = graph.producer(source.name)
    if not isinstance(producer, RequantizingNode) or source.name == graph.output:
        return None
    alone = len(graph.consumers(source.name)) == 1
    same = source.scale == result.scale and is_identity(node.requantize, source.zero_point)
    return (node, producer) if alone and same else None
