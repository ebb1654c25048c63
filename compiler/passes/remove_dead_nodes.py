"""Nodes and tensors that the output does not depend on are removed."""

from __future__ import annotations

from dataclasses import replace

from firelane.compiler.ir.graph import Graph


def remove_dead_nodes(graph: Graph) -> Graph:
    """The nodes and tensors that the output depends on, and the input."""
    needed, kept = {graph.input, graph.output}, []
    for node in reversed(graph.nodes):
        if node.output in needed:
            needed.update(node.inputs)
            kept.append(node)
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name in needed}
    return replace(graph, nodes=tuple(reversed(kept)), tensors=tensors)
