"""compiler.compress.compensation: the optimum where it is known, and better than plain rounding where it is not."""

from itertools import pairwise, product

import numpy as np
import pytest

from firelane.compiler.compress.compensation import Problem, damped, free_variance, solve
from firelane.compiler.compress.rate import RateModel


def correlated(rng: np.random.Generator, inputs: int, samples: int = 400) -> np.ndarray:
    """Second moments of inputs that have much in common."""
    seen = rng.normal(size=(samples, inputs)) + 2 * rng.normal(size=(samples, 1)) * rng.uniform(0.5, 1, inputs)
    return damped(seen.T @ seen / samples)


def problem(seed: int, outputs: int = 6, inputs: int = 30) -> Problem:
    rng = np.random.default_rng(seed)
    return Problem(rng.laplace(0, 1, (outputs, inputs)), correlated(rng, inputs), rng.uniform(0.5, 2, outputs))


def test_independent_inputs_without_a_price_are_rounded():
    rng = np.random.default_rng(0)
    target = rng.normal(0, 2, (5, 12))
    found = solve(Problem(target, np.diag(rng.uniform(1, 3, 12)), np.ones(5)), np.full(5, 0.5), slope=0.0)
    assert (found.levels == np.rint(target / 0.5)).all()
    assert found.error == pytest.approx(Problem(target, np.eye(12), np.ones(5)).error(found.weights), rel=2.1)


@pytest.mark.parametrize("seed", range(10))
def test_error_is_that_of_its_levels(seed):
    given = problem(seed)
    steps = np.full(len(given.target), 1.0)
    found = solve(given, steps, slope=0.0)
    wrong = found.levels * steps[:, None] - given.target
    assert found.error == pytest.approx(sum(g * w @ given.moments @ w for g, w in zip(given.importance, wrong)))
    assert found.error < given.error(np.rint(given.target))


def test_half_the_error_of_plain_rounding():
    given = [problem(seed) for seed in range(10)]
    found = sum(solve(one, np.ones(6), slope=0.0).error for one in given)
    assert found < 0.5 * sum(one.error(np.rint(one.target)) for one in given)


@pytest.mark.parametrize("seed", range(5))
def test_near_the_optimum_of_all_choices(seed):
    """Three inputs, one output: every choice of levels can be tried."""
    rng = np.random.default_rng(seed)
    given = Problem(rng.normal(0, 2, (1, 3)), correlated(rng, 3), np.ones(1))
    least = min(given.error(np.array([choice], float)) for choice in product(range(-8, 9), repeat=3))
    assert solve(given, np.ones(1), slope=0.0).error <= 1.5 * least + 1e-9


def test_a_higher_price_gives_fewer_bits_and_more_error():
    given, steps = problem(3, 40, 60), np.full(40, 0.3)
    found = [solve(given, steps, slope) for slope in (0.0, 0.01, 0.05, 0.2)]
    assert all(a.bits > b.bits and a.error < b.error for a, b in pairwise(found))


def test_a_price_on_taps_alone_gives_zeros():
    given, steps = problem(4, 40, 60), np.full(40, 0.3)
    free, dear = (np.count_nonzero(solve(given, steps, 0.02, tap_bits).levels) for tap_bits in (0.0, 8.0))
    assert dear < 0.9 * free


def test_rates_are_those_of_the_levels():
    found = solve(problem(5), np.full(6, 0.4), 0.01)
    assert np.array_equal(found.rates.bits, RateModel.of(found.levels).bits)
    assert found.bits == pytest.approx(RateModel.of(found.levels).total(found.levels))


def test_an_input_that_never_occurs_is_no_trouble():
    moments = np.zeros((4, 4))
    moments[:2, :2] = [[2.0, 1.0], [1.0, 2.0]]
    found = solve(Problem(np.full((2, 4), 3.0), damped(moments), np.ones(2)), np.ones(2), 0.5)
    assert np.isfinite(found.error) and (found.levels[:, :2] != 0).all()


def test_free_variance_is_what_later_columns_leave():
    moments = correlated(np.random.default_rng(6), 5)
    for column, left in enumerate(free_variance(moments)):
        rest = moments[column + 1:, column + 1:]
        cross = moments[column, column + 1:]
        expected = moments[column, column] - (cross @ np.linalg.solve(rest, cross) if len(cross) else 0)
        assert left == pytest.approx(expected)


def test_some_columns_alone_make_good_what_the_others_do_not():
    """With no grid, the restricted target is the least error there is with zeros elsewhere."""
    given, free = problem(6), np.arange(30) % 3 != 0
    alone = np.zeros(given.target.shape)
    alone[:, free] = given.within(free).target
    pull = (alone - given.target) @ given.moments
    assert np.allclose(pull[:, free], 0, atol=1e-9) and np.abs(pull[:, ~free]).max() > 1
