"""A network as if it were pruned: of each layer the weights that are largest stay, the others become zero.

For networks that nobody has pruned yet: cycles and bytes follow from how many weights are left and where, hardly from
what they are. Whether a network still recognises anything with so few of them, only training shows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from firelane.compiler.ir.graph import WEIGHT_MAX, Conv, Graph, Node
from firelane.compiler.support.errors import ConfigError

__all__ = ["check_density", "coarse", "thinned", "thinned_weights"]


def check_density(density: float, option: str = "--density") -> None:
    """Nothing, if it is a share of the weights that can be left.

    Raises
    ------
    ConfigError
        If it is none.
    """
    if not 0 < density <= 1:
        raise ConfigError(option, f"{density:g}", hint="a share of the weights, above 0 and at most 1, e.g. 0.33")


def thinned(graph: Graph, density: float, magnitudes: int | None = None) -> Graph:
    """The graph with at most the share `density` of each convolution's weights other than zero, as int8.

    Biases follow: the part of them that stands for the zero point of the input is that of the weights that are left.

    Parameters
    ----------
    magnitudes : int, optional
        The weights that are left get so many, of either sign; their own if not given.
    """
    return graph.with_nodes(_thinned_node(graph, node, density, magnitudes) for node in graph.nodes)


def _thinned_node(graph: Graph, node: Node, density: float, magnitudes: int | None) -> Node:
    if not isinstance(node, Conv):
        return node
    weight = thinned_weights(node.weight, density)
    weight = weight if magnitudes is None else coarse(weight, magnitudes)
    lost = node.weight.astype(np.int64).sum(axis=(1, 2, 3)) - weight.astype(np.int64).sum(axis=(1, 2, 3))
    bias = node.requantize.bias + graph.tensors[node.inputs[0]].zero_point * lost
    return replace(node, weight=weight, requantize=replace(node.requantize, bias=bias))


def thinned_weights(weight: np.ndarray, density: float) -> np.ndarray:
    """The array with all but the largest `density` of its values zero; of equal ones the first stay."""
    order = np.argsort(-np.abs(weight.astype(np.int16)), axis=None, kind="stable")
    kept = weight.copy()
    kept.flat[order[round(density * weight.size):]] = 0
    return kept


def coarse(weight: np.ndarray, magnitudes: int) -> np.ndarray:
    """The array with at most so many magnitudes, evenly up to the largest of an int8; only what is zero stays zero."""
    step = WEIGHT_MAX / magnitudes
    levels = np.maximum(np.rint(np.abs(weight.astype(np.float64)) / step), 1)
    return (np.sign(weight) * np.rint(levels * step)).astype(np.int8)
