"""Measures of a classifier's outputs, alone and against another's: pure functions of arrays.

Outputs are what a Softmax reads ("scores", any real numbers). Everything is float64, and sums over images are
exactly rounded (`math.fsum`), so that no digit depends on the order of the images.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

BEST = 5                               # classes that count as found, for top-5


def best_of(scores: np.ndarray, count: int = BEST) -> tuple[int, ...]:
    """The classes with the highest of `scores` (N,), best first; of equal ones that with the lower index."""
    return tuple(int(index) for index in np.argsort(-scores.astype(np.float64), kind="stable")[:count])


def is_tied(scores: np.ndarray) -> bool:
    """Whether more than one class has the highest score."""
    return int(np.count_nonzero(scores == scores.max())) > 1


def log_softmax(scores: np.ndarray) -> np.ndarray:
    """float64 (N,): logarithms of the probabilities."""
    shifted = scores.astype(np.float64) - float(scores.max())
    return shifted - math.log(math.fsum(np.exp(shifted)))


def divergence(original: np.ndarray, other: np.ndarray) -> float:
    """Kullback-Leibler divergence D(P || Q) = sum P log(P / Q), in nats, of the softmax of two (N,) scores.

    P is the original's; 0 if both are the same up to a constant, else positive.
    """
    p, q = log_softmax(original), log_softmax(other)
    return max(math.fsum(np.exp(p) * (p - q)), 0.0)      # rounding may leave -1e-17


def expected_loss(original: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """What the best class of two (N,) scores says of top-1 without a label, and how far probabilities have moved.

    If the original's probabilities p are right, its best class is right with p(best) and the other's best class c with
    p(c): p(best) - p(c) is lost. The second is the sum of |p - q|; see `compiler.compress.quality`.
    """
    p, q = np.exp(log_softmax(original)), np.exp(log_softmax(other))
    return float(p.max() - p[best_of(other, 1)[0]]), math.fsum(np.abs(p - q))


def energies(original: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Energies of signal and noise, from two arrays of one shape: sum of original**2, of (other - original)**2."""
    original = original.astype(np.float64)
    noise = other - original
    return float(np.square(original).sum()), float(np.square(noise, out=noise).sum())


def decibels(signal: float, noise: float) -> float | None:
    """10 log10(signal / noise); None where there is no noise, or no signal, so that the ratio is no number."""
    return 10 * math.log10(signal / noise) if signal > 0 and noise > 0 else None


def mean(values: Iterable[float]) -> float:
    """The mean of at least one value; the same whatever their order."""
    values = list(values)
    return math.fsum(values) / len(values)
