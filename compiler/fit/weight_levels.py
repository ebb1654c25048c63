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
    """A layer, or a part of one.

    Parameters
    ----------
    layer : str
    counts : numpy.ndarray
        int64 (256,): of the weights -128 .. 127.
    channels : int
        Output channels with weights other than zero: the largest of each is at the end of the range in any case.
    """

    layer: str
    counts: np.ndarray
    channels: int

    @property
    def nonzero(self) -> int:
        """Weights that are not zero."""
        return int(self.counts.sum() - self.counts[-LOWEST])

    @property
    def clipped(self) -> float:
        """Share of the weights other than zero that are as large as a weight can be, of either sign."""
        return self._at_ends / max(self.nonzero, 1)

    @property
    def excess(self) -> float:
        """The same share without one for each channel, which is no sign of clipping."""
        return max(self._at_ends - self.channels, 0) / max(self.nonzero, 1)

    @property
    def _at_ends(self) -> int:
        return int(self.counts[:-WEIGHT_MAX - LOWEST + 1].sum() + self.counts[WEIGHT_MAX - LOWEST:].sum())


def weight_levels(network: TiledNetwork) -> list[WeightLevels]:
    """The levels of each layer that has weights, in the order of the network."""
    return [WeightLevels(layer.name, np.bincount(layer.weights.ravel().astype(np.int64) - LOWEST, minlength=LEVELS),
                         int(layer.weights.reshape(len(layer.weights), -1).any(axis=1).sum()))
            for layer in network.layers if isinstance(layer, TileLayer) and layer.weights is not None]
