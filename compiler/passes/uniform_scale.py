"""A ChannelScale whose channels are all alike is a Rescale, which needs no weights."""

from __future__ import annotations

from dataclasses import replace

from firelane.compiler.ir.graph import ChannelScale, Graph, Node, Rescale


def uniform_scale(graph: Graph) -> Graph:
    """Every ChannelScale goes that multiplies each pixel by 1 and requantizes all channels in one way."""
    return replace(graph, nodes=tuple(_as_rescale(node) if _is_uniform(node) else node for node in graph.nodes))


def _is_uniform(node: Node) -> bool:
    if not isinstance(node, ChannelScale) or not (node.factors == 1).all():
        return False
    requantize = node.requantize
    return all((array == array[0]).all() for array in (requantize.bias, requantize.multiplier, requantize.shift))


def _as_rescale(node: ChannelScale) -> Rescale:
    requantize = node.requantize
    one = {name: getattr(requantize, name)[:1] for name in ("bias", "multiplier", "shift")}
    return Rescale(node.name, node.inputs, node.output, replace(requantize, **one))
