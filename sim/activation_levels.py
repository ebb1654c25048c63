"""How often each stored value occurs in the maps of a network, over some images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from firelane.compiler.ir.graph import PIXEL_MAX, Concat, Graph, RequantizingNode, Select
from firelane.sim.reference import run

LEVELS = PIXEL_MAX + 1


@dataclass(frozen=True, eq=False)
class ActivationLevels:
    """A map: the `node` that makes it, `counts` int64 (256,) of its values, the `high` end to which it is clamped."""

    node: str
    counts: np.ndarray
    high: int

    @property
    def clipped(self) -> float:
        """Share of its values at the high end; at the low one are those that an activation function makes 0."""
        return float(self.counts[self.high:].sum() / self.counts.sum())


def activation_levels(graph: Graph, images: Sequence[np.ndarray]) -> list[ActivationLevels]:
    """The levels of each map that is computed, in the order of the graph; what is only put together is left out.

    Parameters
    ----------
    images : uint8 (C, H, W) each
        Stored values of the graph's input; at least one.
    """
    nodes = [node for node in graph.nodes if not isinstance(node, Concat | Select)]
    counts = np.zeros((len(nodes), LEVELS), np.int64)
    for image in images:
        maps = run(graph, image)
        for number, node in enumerate(nodes):
            counts[number] += np.bincount(maps[node.output].ravel(), minlength=LEVELS)
    return [ActivationLevels(node.name, row, node.requantize.high if isinstance(node, RequantizingNode) else PIXEL_MAX)
            for node, row in zip(nodes, counts)]
