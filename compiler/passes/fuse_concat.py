"""A Concat of a Concat is one Concat."""

from __future__ import annotations

from dataclasses import replace

from firelane.compiler.ir.graph import Concat, Graph, Node


def fuse_concat(graph: Graph) -> Graph:
    """Every Concat that only other Concats read is spliced into them."""
    parts: dict[str, tuple[str, ...]] = {}               # of each Concat that is spliced: what it joins in the end
    nodes = []
    for node in graph.nodes:
        if not isinstance(node, Concat):
            nodes.append(node)
            continue
        inputs = tuple(part for name in node.inputs for part in parts.get(name, (name,)))
        if _splices(graph, node):
            parts[node.output] = inputs
        else:
            nodes.append(replace(node, inputs=inputs))
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name not in parts}
    return replace(graph, nodes=tuple(nodes), tensors=tensors)


def _splices(graph: Graph, node: Node) -> bool:
    readers = graph.consumers(node.output)
    return (isinstance(node, Concat) and node.output != graph.output and bool(readers)
            and all(isinstance(reader, Concat) for reader in readers))
