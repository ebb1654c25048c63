"""The last layer by multinomial logistic regression on features, as scikit-learn solves it.

Weaker and weaker penalties on the weights are tried, each from the solution before it; the one with the least loss on
held-out images is taken. Nothing is random, and there is one BLAS thread: the same features give the same bytes.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from firelane.compiler.support.progress import Progress
from firelane.compiler.train.curve import LAST, Step, loss_and_share, stops

PENALTIES = tuple(float(f"{10 ** -(power / 2):.3g}") for power in range(15))     #: 1 .. 1e-7, an image
PATIENCE = 3
ROUNDS = 300                        #: of the solver, at most
STAGE = "fitting the last layer"


@dataclass(frozen=True, eq=False)
class Fitted:
    """A last layer: `weight` float64 (classes, features), `bias` float64 (classes,), and how it was found."""

    weight: np.ndarray
    bias: np.ndarray
    steps: tuple[Step, ...]


def fit(learnt: np.ndarray, labels: Sequence[int], held: np.ndarray, held_labels: Sequence[int],
        progress: Progress) -> Fitted:
    """The last layer that tells classes apart, of which there are as many as different labels, from 0 on.

    Parameters
    ----------
    learnt, held : float32 (N, features)
        Of images to learn from, and of those that are held out.
    """
    truth, held_truth = np.asarray(labels), np.asarray(held_labels)
    mean = learnt.mean(axis=0, dtype=np.float64)
    spread = float(np.sqrt(np.mean((learnt - mean) ** 2, dtype=np.float64))) or 1.0
    inner, outer = (learnt - mean) / spread, (held - mean) / spread
    solver = LogisticRegression(max_iter=ROUNDS, warm_start=True)
    steps: list[Step] = []
    found = []
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)     # what has not converged is a weaker fit, judged as such
        for number, penalty in enumerate(PENALTIES, 1):
            progress(STAGE, number - 1, len(PENALTIES))
            solver.C = 1 / (penalty * len(truth))
            solver.fit(inner, truth)
            weight, bias = _rows(solver)
            steps.append(Step(LAST, number, penalty, *_measured(weight, bias, inner, truth, outer, held_truth)))
            found.append((weight, bias))
            if stops(steps, PATIENCE):
                break
    weight, bias = found[min(range(len(steps)), key=lambda index: steps[index].held_loss)]
    return Fitted(weight / spread, bias - weight @ mean / spread, tuple(steps))


def _rows(solver: LogisticRegression) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias with a row for each class; of two classes there is one, for the difference."""
    weight, bias = solver.coef_.copy(), solver.intercept_.copy()
    if len(weight) > 1:
        return weight, bias
    return np.concatenate([-weight / 2, weight / 2]), np.concatenate([-bias / 2, bias / 2])


def _measured(weight: np.ndarray, bias: np.ndarray, inner: np.ndarray, truth: np.ndarray, outer: np.ndarray,
              held_truth: np.ndarray) -> tuple[float, float, float, float]:
    """Losses of learnt and held-out images, then shares."""
    losses, shares = zip(*(loss_and_share(values @ weight.T + bias, wanted)
                           for values, wanted in ((inner, truth), (outer, held_truth))))
    return losses[0], losses[1], shares[0], shares[1]
