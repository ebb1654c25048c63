"""How well a network does while it learns, step by step, and when to stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LAST, ALL = "last layer", "all layers"      #: what learns in a step


@dataclass(frozen=True)
class Step:
    """A step of learning.

    Parameters
    ----------
    part : str
        `LAST` or `ALL`.
    number : int
        From 1 on; an epoch, where all layers learn.
    strength : float
        Of the penalty on weights, or the learning rate.
    learnt_loss, held_loss : float
        Cross entropy, nats an image: of the images that are learnt from, and of those that are held out.
    learnt_share, held_share : float
        Of these images those whose class is found.
    """

    part: str
    number: int
    strength: float
    learnt_loss: float
    held_loss: float
    learnt_share: float
    held_share: float


def best_step(steps: Sequence[Step]) -> Step:
    """The first step with the least loss on held-out images."""
    return min(steps, key=lambda step: step.held_loss)


def stops(steps: Sequence[Step], patience: int) -> bool:
    """Whether so many steps in a row, the last ones, were no better than the best before them."""
    return len(steps) - (steps.index(best_step(steps)) + 1) >= patience if steps else False


def loss_and_share(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Cross entropy and the share of images whose class is found, of scores (N, classes)."""
    scores = scores.astype(np.float64)
    shifted = scores - scores.max(axis=1, keepdims=True)
    logarithms = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -logarithms[np.arange(len(labels)), labels].mean()
    return float(loss), float(np.mean(scores.argmax(axis=1) == labels))
