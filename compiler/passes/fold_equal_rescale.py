"""A Rescale that changes nothing disappears: DequantizeLinear and QuantizeLinear with the same parameters."""

from __future__ import annotations

from dataclasses import replace

from firelane.compiler.ir.graph import Graph, Node, Rescale
from firelane.compiler.passes.rewiring import is_identity, value_range, with_reads, without


def fold_equal_rescale(graph: Graph) -> Graph:
    """Every Rescale goes whose output always equals its input, and whose clamp never bites.

    Its input takes the name of its output, which is the name that the source graph gave to the integers; the network's
    input keeps its own. The last node of a network stays.
    """
    while len(graph.nodes) > 1:
        node = next((node for node in graph.nodes if _changes_nothing(graph, node)), None)
        if node is None:
            break
        producer = graph.producer(node.inputs[0])
        graph = _read_input_instead(graph, node) if producer is None else without(graph, node, producer)
    return graph


def _changes_nothing(graph: Graph, node: Node) -> bool:
    if not isinstance(node, Rescale):
        return False
    source, result = (graph.tensors[name] for name in (node.inputs[0], node.output))
    low, high = value_range(graph, source.name)
    return (source.scale == result.scale and is_identity(node.requantize, source.zero_point)
            and node.requantize.low <= low and node.requantize.high >= high
            and not (source.name == graph.input and node.output == graph.output))


def _read_input_instead(graph: Graph, gone: Node) -> Graph:
    nodes = [with_reads(node, {gone.output: graph.input}) for node in graph.nodes if node is not gone]
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name != gone.output}
    return replace(graph, nodes=tuple(nodes), tensors=tensors)
