"""How often each weight occurs in each layer, as the program has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firelane.compiler.ir.graph import WEIGHT_MAX
from firelane.compiler.tiles.layers import TiledNetwork, TileLayer

LOWEST = -128           #: of an int8
LEVELS = 256


@dataclass(frozen=True, eq=False)
class WeightLevels:
    """A layer, or a part of one: `counts` int64 (256,), of the weights -128 .. 127."""

    layer: str
    counts: np.ndarray

    @property
    def nonzero(self) -> int:
        """Weights that are not zero."""
        return int(self.counts.sum() - self.counts[-LOWEST])

    @property
    def clipped(self) -> float:
        """Share of the weights other than zero that are as large as a weight can be, of either sign."""
        ends = self.counts[:-WEIGHT_MAX - LOWEST + 1].sum() + self.counts[WEIGHT_MAX - LOWEST:].sum()
        return float(ends) / max(self.nonzero, 1)


def weight_levels(network: TiledNetwork) -> list[WeightLevels]:
    """The levels of each layer that has weights, in the order of the network."""
    return [WeightLevels(layer.name, np.bincount(layer.weights.ravel().astype(np.int64) - LOWEST, minlength=LEVELS))
            for layer in network.layers if isinstance(layer, TileLayer) and layer.weights is not None]
