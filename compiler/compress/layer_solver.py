"""One layer at a given price of a bit: steps that suit it, on the grid of short parameter records, and levels.

Of uniform steps with ideal codes the best at a rate of some bits has 12 d / step^2 = 1 and d'(bits) = -2 ln 2 d
(Gish and Pierce 1968), so that step^2 = (6 / ln 2) slope / weight with `weight` the price of a squared error. For
channels of importance g that is g times what the later columns cannot make good. Zeros change the optimum a little: a
few multiples of that step are tried, and the one of least error + slope x bits is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from firelane.compiler.coding.parameter_form import nearest_scales
from firelane.compiler.compress.compensation import Problem, Solution, free_variance, solve
from firelane.compiler.ir.graph import WEIGHT_MAX

RATIO = 6 / np.log(2)
FAST, THOROUGH = (1.0,), (1.0, 0.8, 1.25)       #: multiples of the theory's step that are tried
PARTS = 1 / 64                          #: of a step that the grid of scales may be off by, twice over
TINY = 2.0 ** -12                       #: of a layer's largest weight: no step needs to be smaller


@dataclass(frozen=True)
class Price:
    """What the solver trades: `slope` error (nats an image) a bit; `tap_bits` bits that a tap's cycles are worth."""

    slope: float
    tap_bits: float = 0.0


@dataclass(frozen=True, eq=False)
class QuantizedLayer:
    """`levels` int8 (O, n); `multiplier`, `shift` int64 (O,): a level is worth multiplier / 2**shift output steps."""

    levels: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray
    solution: Solution

    @property
    def steps(self) -> np.ndarray:
        """The size of a level in output steps, float64 (O,)."""
        return self.multiplier / np.exp2(self.shift)

    @property
    def weights(self) -> np.ndarray:
        """The weights in output steps, float64 (O, n)."""
        return self.levels * self.steps[:, None]


def solve_layer(problem: Problem, price: Price, multiples: tuple[float, ...] = THOROUGH,
                free: np.ndarray | None = None) -> QuantizedLayer:
    """The best layer found among `multiples` of the theoretical step; zero outside of the columns `free`, a mask."""
    if free is not None and free.any() and not free.all():
        inside = solve_layer(problem.within(free), price, multiples)
        levels = np.zeros(problem.target.shape, np.int8)
        levels[:, free] = inside.levels
        return replace(inside, levels=levels)
    found = [_at(problem, price, multiple) for multiple in multiples]
    return min(found, key=lambda layer: layer.solution.error + price.slope * layer.solution.bits)


def _at(problem: Problem, price: Price, multiple: float) -> QuantizedLayer:
    left = np.exp(np.log(free_variance(problem.moments)).mean())
    steps = multiple * np.sqrt(RATIO * price.slope / (problem.importance * left))
    largest = np.abs(problem.target).max(axis=1)
    most = 2 * largest.max() or 1.0                     # all is 0 at such a step
    steps = np.clip(steps, np.maximum(largest / WEIGHT_MAX * (1 + 2 * PARTS), most * TINY), most)
    multiplier, shift = nearest_scales(steps)
    solution = solve(problem, multiplier / np.exp2(shift), price.slope, price.tap_bits)
    return QuantizedLayer(solution.levels.astype(np.int8), multiplier, shift, solution)
