"""A Concat of a Concat is one Concat."""

from __future__ import annotations

from dataclasses import replace

from firelane.compiler.ir.graph import Concat, Graph, Node


def fuse_concat(graph: Graph) -> Graph:
    """Every Concat that only other Concats read is spliced into them."""
    parts = {node.output: node.inputs for node in graph.nodes if _splices(graph, node)}
    nodes = []
    for node in graph.nodes:
        if node.output in parts:
            continue
        nodes.append(replace(node, inputs=_spliced(node.inputs, parts)) if isinstance(node, Concat) else node)
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name not in parts}
    return replace(graph, nodes=tuple(nodes), tensors=tensors)


def _splices(graph: Graph, node: Node) -> bool:
    readers = graph.consumers(node.output)
    return (isinstance(node, Concat) and node.output != graph.output and bool(readers)
            and all(isinstance(reader, Concat) for reader in readers))


def _spliced(inputs: tuple[str, ...], parts: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """`inputs` with every spliced Concat replaced by what it joins."""
    names: tuple[str, ...] = ()
    for name in inputs:
        names += _spliced(parts[name], parts) if name in parts else (name,)
    return names
