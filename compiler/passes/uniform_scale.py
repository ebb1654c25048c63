"""A ChannelScale whose channels are all alike is a Rescale, which needs no weights."""

from __future__ import annotations

from dataclasses import replace

from firelane.compiler.ir.graph import ChannelScale, Graph, Node, Rescale


def uniform_scale(graph: Graph) -> Graph:
    """Every ChannelScale goes that multiplies each pixel by 1 and requantizes all channels in one way."""
    return replace(graph, nodes=tuple(_simplest(node) for node in graph.nodes))


def _simplest(node: Node) -> Node:
    """A Rescale in place of `node`, if that can be."""
    if not isinstance(node, ChannelScale) or not (node.factors == 1).all():
        return node
    old = node.requantize
    if not all((array == array[0]).all() for array in (old.bias, old.multiplier, old.shift)):
        return node
    uniform = replace(old, bias=old.bias[:1], multiplier=old.multiplier[:1], shift=old.shift[:1])
    return Rescale(node.name, node.inputs, node.output, uniform)
