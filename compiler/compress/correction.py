"""Correction of a layer's weights: how much of what earlier layers did wrong it makes good.

A layer with weights W gives W x where W x* is wanted. On the images at hand W + R (H + r I)^-1 is best, with
R = W E[(x* - x) x'], H = E[x x'], all centred, and a small ridge r. On others it need not be: some hundred images with
few pixels each, as the last layers see them, say little about hundreds of inputs, and there the whole correction does
far more harm than none. So the ridge, and the part of the correction that is applied, are chosen by cross-validation:
what the images of all parts but one say is tried on the images of that one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import linalg

from firelane.compiler.compress.compensation import damped
from firelane.compiler.compress.input_statistics import InputStatistics, pooled

RIDGES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)       #: of H's mean diagonal


def corrected(weights: np.ndarray, parts: Sequence[InputStatistics], importance: np.ndarray) -> np.ndarray:
    """The weights that a layer should have, float64 (groups, O, n), for the inputs that it gets.

    Parameters
    ----------
    weights : float64 (groups, O, n), of a layer that gets the float network's inputs
    parts : of disjoint images; with one there is nothing to validate with, and `weights` are returned
    importance : float64 (groups, O), of an error of each output channel
    """
    if len(parts) == 1:
        return weights
    whole = pooled(parts)
    folds = [(pooled([*parts[:number], *parts[number + 1:]]), unseen) for number, unseen in enumerate(parts)]
    result = np.empty_like(weights)
    for group, (wanted, important) in enumerate(zip(weights, importance)):
        _, ridge, part = max(_validated(wanted, folds, group, important, ridge) for ridge in RIDGES)
        result[group] = wanted + part * _correction(wanted, whole, group, ridge)
    return result


def _validated(weights: np.ndarray, folds: Sequence[tuple[InputStatistics, InputStatistics]], group: int,
               importance: np.ndarray, ridge: float) -> tuple[float, float, float]:
    """What is gained on images that the correction does not know, the ridge, and the part of it that gains most.

    `folds`: of images that it knows, and of those that it does not.
    """
    good = bad = 0.0            # with a part t applied, the squared error becomes less by 2 t good - t^2 bad
    for known, unseen in folds:
        correction = _correction(weights, known, group, ridge)
        good += importance @ np.einsum("oi,oi->o", correction, weights @ unseen.missing[group])
        bad += importance @ np.einsum("oi,oi->o", correction, correction @ unseen.moments[group])
    part = float(np.clip(good / bad, 0, 1)) if bad > 0 else 0.0
    return 2 * part * good - part ** 2 * bad, ridge, part


def _correction(weights: np.ndarray, statistics: InputStatistics, group: int, ridge: float) -> np.ndarray:
    """The whole correction R (H + r I)^-1, float64 (O, n)."""
    moments = damped(statistics.moments[group], ridge)
    return linalg.solve(moments, (weights @ statistics.missing[group]).T, assume_a="pos").T
