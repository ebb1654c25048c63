"""Levels of a layer's weights: the least error for their rate, each error made good by the weights that follow.

The error of an output channel o is g_o (w - t)' H (w - t): `t` its real weights, `w` those of the levels, H the second
moments of the layer's inputs, g_o how much the network's result depends on the channel. The weights are chosen
column by column, and what a choice does wrong is carried to the columns behind it by the inverse of H (optimal brain
surgeon, Hassibi and Stork 1993; column order and Cholesky form of GPTQ, arXiv 2210.17323). Each choice minimises
error + `slope` x bits, zero among the candidates, so pruning and rounding are one decision. Then every weight is chosen
again, given all the others, until little changes (coordinate descent on the same cost).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from firelane.compiler.compress.rate import RateModel, laplace
from firelane.compiler.ir.graph import WEIGHT_MAX

DAMPING = 0.01              #: of H's mean diagonal, added to its diagonal: inputs that never occurred could do anything
ROUNDS = 3                  #: of compensation, each with the rates of the one before
SWEEPS = 6                  #: of coordinate descent, at most
SETTLED = 0.003             #: share of the weights that still change when it is enough

Choice = Callable[[int, np.ndarray, np.ndarray], np.ndarray]
"""Levels (O,) for a column's number, what its weights should be (O,), and the price of a squared error (O,)."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A layer to be quantized.

    `target` float64 (O, n): the real weights; `moments` float64 (n, n): H; `importance` float64 (O,): g_o.
    """

    target: np.ndarray
    moments: np.ndarray
    importance: np.ndarray

    def error(self, weights: np.ndarray) -> float:
        """The error of weights, float64 (O, n)."""
        wrong = weights - self.target
        return float(self.importance @ np.einsum("oi,oi->o", wrong @ self.moments, wrong))

    def within(self, free: np.ndarray) -> Problem:
        """The same problem where only the columns of the mask `free` (n,) may be other than zero.

        Its target is the best that they can do alone: they make good what the others do not.
        """
        inside = self.moments[np.ix_(free, free)]
        lost = self.target[:, ~free] @ self.moments[np.ix_(~free, free)]
        return Problem(self.target[:, free] + np.linalg.solve(inside, lost.T).T, inside, self.importance)


@dataclass(frozen=True, eq=False)
class Solution:
    """`levels` int64 (O, n) in steps of `steps` float64 (O,); `error` of the problem, `bits` of the last rates."""

    levels: np.ndarray
    steps: np.ndarray
    error: float
    bits: float
    rates: RateModel

    @property
    def weights(self) -> np.ndarray:
        return self.levels * self.steps[:, None]


def damped(moments: np.ndarray, damping: float = DAMPING) -> np.ndarray:
    """The moments H with something added to their diagonal: positive definite, dead inputs included."""
    diagonal = np.diagonal(moments)
    return moments + np.eye(len(moments)) * (damping * diagonal.mean() or 1.0)


def free_variance(moments: np.ndarray) -> np.ndarray:
    """The part of each column's error that remains when all later columns make it good: float64 (n,)."""
    return 1 / np.diagonal(_inverse_factor(moments)) ** 2


def solve(problem: Problem, steps: np.ndarray, slope: float, tap_bits: float = 0.0,
          rates: RateModel | None = None) -> Solution:
    """Levels for given `steps` (float64 (O,)).

    Parameters
    ----------
    slope : float
        Error that a bit is worth.
    tap_bits : float
        Bits that the cycles of a weight that is not zero are worth.
    rates : RateModel or None
        To begin with.
    """
    factor = _inverse_factor(problem.moments)
    if rates is None:
        rates = laplace(float(np.abs(problem.target / steps[:, None]).mean()), tap_bits)

    def cheapest(rates: RateModel) -> Choice:
        return lambda column, wanted, weight: _cheapest(wanted, steps, weight, slope, rates)
    for _ in range(ROUNDS):
        levels = _compensate(problem, steps, cheapest(rates), factor)
        rates = RateModel.of(levels, tap_bits)
    levels = _descend(problem, levels, steps, lambda levels: cheapest(RateModel.of(levels, tap_bits)))
    rates = RateModel.of(levels, tap_bits)
    return Solution(levels, steps, problem.error(levels * steps[:, None]), rates.total(levels), rates)


def rounded(problem: Problem, steps: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Levels int64 (O, n) of least error, whatever they cost, 0 where they are not `allowed`, a mask (O, n)."""
    def nearest(column: int, wanted: np.ndarray, weight: np.ndarray) -> np.ndarray:
        levels = np.clip(np.rint(wanted / steps), -WEIGHT_MAX, WEIGHT_MAX).astype(np.int64)
        return np.where(allowed[:, column], levels, 0)
    levels = _compensate(problem, steps, nearest, _inverse_factor(problem.moments))
    return _descend(problem, levels, steps, lambda levels: nearest)


def _inverse_factor(moments: np.ndarray) -> np.ndarray:
    """Upper triangular U with U' U = inverse of H."""
    inverse = linalg.cho_solve((linalg.cholesky(moments, lower=True), True), np.eye(len(moments)))
    return linalg.cholesky(inverse, lower=False)


def _compensate(problem: Problem, steps: np.ndarray, choose: Choice, factor: np.ndarray) -> np.ndarray:
    """Levels chosen in one pass over the columns, each making good the errors of those before it."""
    left = problem.target.copy()
    levels = np.zeros(left.shape, np.int64)
    for column in range(left.shape[1]):
        weight = problem.importance / factor[column, column] ** 2
        chosen = choose(column, left[:, column], weight)
        levels[:, column] = chosen
        wrong = (left[:, column] - chosen * steps) / factor[column, column]
        left[:, column + 1:] -= wrong[:, None] * factor[column, column + 1:]
    return levels


def _descend(problem: Problem, levels: np.ndarray, steps: np.ndarray,
             suits: Callable[[np.ndarray], Choice]) -> np.ndarray:
    """Levels with each weight chosen again, given the others; each sweep by what `suits` the levels before it."""
    levels, moments = levels.copy(), problem.moments
    pull = (levels * steps[:, None] - problem.target) @ moments          # half the gradient
    for _ in range(SWEEPS):
        choose, changed = suits(levels), 0
        for column in range(levels.shape[1]):
            now = levels[:, column] * steps
            best = now - pull[:, column] / moments[column, column]
            chosen = choose(column, best, problem.importance * moments[column, column])
            moved = np.flatnonzero(chosen != levels[:, column])
            if len(moved):
                pull[moved] += ((chosen - levels[:, column]) * steps)[moved, None] * moments[column]
                levels[:, column] = chosen
                changed += len(moved)
        if changed < SETTLED * levels.size:
            break
    return levels


def _cheapest(wanted: np.ndarray, steps: np.ndarray, weight: np.ndarray, slope: float, rates: RateModel) -> np.ndarray:
    """The level of least weight x error squared + slope x bits for each of `wanted` (O,): nearest, next to 0, or 0."""
    position = wanted / steps
    nearest = np.clip(np.rint(position), -WEIGHT_MAX, WEIGHT_MAX).astype(np.int64)
    inward, nearest = rates.coded(nearest - np.sign(nearest)), rates.coded(nearest)
    price = weight * steps ** 2
    best, chosen = price * position ** 2 + slope * rates.zero, np.zeros(len(nearest), np.int64)
    for candidate in (inward, nearest):
        cost = price * (position - candidate) ** 2 + slope * rates.bits[candidate + WEIGHT_MAX]
        better = cost < best
        best, chosen = np.where(better, cost, best), np.where(better, candidate, chosen)
    return chosen
