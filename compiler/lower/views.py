"""Tensors that need no map of their own: inputs of concatenations, and maps that only an average reads."""

from __future__ import annotations

from firelane.compiler.ir.graph import Concat, GlobalAverage, Graph


def concat_ranges(graph: Graph) -> dict[str, tuple[str, int]]:
    """Tensors that are stored inside the result of a concatenation: name -> (that tensor, first channel).

    The first concatenation that reads a tensor takes it over; whoever else reads the tensor reads the range. A second
    use, the graph's input and its output cannot be taken over: the concatenation copies them.
    """
    ranges: dict[str, tuple[str, int]] = {}
    for node in graph.nodes:
        if isinstance(node, Concat):
            channel = 0
            for name in node.inputs:
                if name not in ranges and name not in (graph.input, graph.output):
                    ranges[name] = (node.output, channel)
                channel += graph.tensors[name].channels
    return ranges


def copied_inputs(graph: Graph, node: Concat) -> list[tuple[str, int]]:
    """Inputs that `node` must copy: (name, first channel)."""
    ranges = concat_ranges(graph)
    copied: list[tuple[str, int]] = []
    seen: set[str] = set()
    channel = 0
    for name in node.inputs:
        if ranges.get(name) != (node.output, channel) or name in seen:
            copied.append((name, channel))
        seen.add(name)
        channel += graph.tensors[name].channels
    return copied


def fused_averages(graph: Graph) -> dict[str, GlobalAverage]:
    """Tensors that are only averaged: their producer adds its pixels to the channel sums instead of storing them."""
    fused = {}
    for node in graph.nodes:
        if isinstance(node, GlobalAverage):
            source = node.inputs[0]
            producer = graph.producer(source)
            alone = len(graph.consumers(source)) == 1 and source != graph.output
            if alone and producer is not None and not isinstance(producer, Concat | GlobalAverage):
                fused[source] = node
    return fused
