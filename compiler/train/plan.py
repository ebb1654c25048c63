"""How a network is to learn."""

from __future__ import annotations

import math
from dataclasses import dataclass

from firelane.compiler.train.curve import LAST

WARM_EPOCHS = 1.0           #: in which the rate rises
LEAST_RATE = 0.01           #: share of the rate with which an epoch begins and ends, at least


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What learns, how long, and from what.

    Parameters
    ----------
    layers : str
        `LAST` or `ALL`, see `curve`.
    views : int
        Of each picture, that the last layer is fitted to: the picture itself, and others that are moved, turned, ...
    mirror : bool, optional
        Whether half of these are mirrored; None: where pictures have colours.
    held_out : float
        Share of the pictures.
    epochs, batch, patience : int
        Epochs at most; pictures in a step; epochs without anything better after which it ends.
    rate : float
        The highest learning rate.
    seed : int
    """

    layers: str = LAST
    views: int = 3
    mirror: bool | None = None
    held_out: float = 0.2
    epochs: int = 30
    batch: int = 32
    patience: int = 6
    rate: float = 3e-4
    seed: int = 0


def rate_at(plan: Plan, epoch: float) -> float:
    """The learning rate after so many epochs: it rises in the first, and falls by half a cosine."""
    if epoch < WARM_EPOCHS:
        share = epoch / WARM_EPOCHS
    else:
        share = 0.5 * (1 + math.cos(math.pi * (epoch - WARM_EPOCHS) / max(plan.epochs - WARM_EPOCHS, 1)))
    return plan.rate * max(share, LEAST_RATE)
