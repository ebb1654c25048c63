"""Which tensors need no map of their own: inputs of concatenations, and maps that only an average reads."""

from __future__ import annotations

from firelane.compiler.ir.graph import Concat, GlobalAverage, Graph


def concat_places(graph: Graph) -> dict[str, tuple[str, int]]:
    """Tensors that stand inside the result of a concatenation: name -> (that tensor, first channel).

    The first concatenation that reads a tensor takes it over; whoever else reads the tensor reads the range. A second
    use, the graph's input and its output cannot be taken over: the concatenation copies them.
    """
    places: dict[str, tuple[str, int]] = {}
    for node in graph.nodes:
        if isinstance(node, Concat):
            channel = 0
            for name in node.inputs:
                if name not in places and name not in (graph.input, graph.output):
                    places[name] = (node.output, channel)
                channel += graph.tensors[name].channels
    return places


def copied_inputs(graph: Graph, node: Concat) -> list[tuple[str, int]]:
    """Inputs that `node` must copy: (name, first channel)."""
    places, copied, seen, channel = concat_places(graph), [], set(), 0
    for name in node.inputs:
        if places.get(name) != (node.output, channel) or name in seen:
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
