"""Pure functions: best classes, divergence, energies; nothing depends on order."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firelane.sim.evaluate.metrics import (
    best_of,
    decibels,
    divergence,
    energies,
    expected_loss,
    is_tied,
    log_softmax,
    mean,
)

scores = st.lists(st.floats(-50, 50), min_size=2, max_size=20).map(np.array)


def test_best_classes_and_ties():
    values = np.array([3, 200, 3, 199, 3, 200], np.uint8)
    assert best_of(values) == (1, 5, 3, 0, 2) and best_of(values, 1) == (1,)
    assert is_tied(values) and not is_tied(values[:5])
    assert best_of(np.array([1.0, 2.0])) == (1, 0)       # fewer classes than are asked for


def test_softmax_of_large_scores_does_not_overflow():
    assert np.exp(log_softmax(np.array([1e4, 1e4 - math.log(3)]))) == pytest.approx([0.75, 0.25])


def test_divergence_by_hand():
    """P = (1/2, 1/2), Q = (3/4, 1/4): 1/2 ln(2/3) + 1/2 ln 2."""
    assert divergence(np.zeros(2), np.log([3.0, 1.0])) == pytest.approx(math.log(2 / 3) / 2 + math.log(2) / 2)


def test_expected_loss_by_hand():
    """P = (1/2, 1/4, 1/4), Q = (1/4, 1/2, 1/4): the second is right with 1/4 in place of 1/2."""
    p, q = np.log([2.0, 1.0, 1.0]), np.log([1.0, 2.0, 1.0])
    assert expected_loss(p, q) == pytest.approx((0.25, 0.5))
    assert expected_loss(p, p + 3) == pytest.approx((0, 0), abs=1e-12)


@given(scores, st.floats(-10, 10))
def test_divergence_is_0_for_the_same_up_to_a_constant_and_else_positive(values, constant):
    assert divergence(values, values + constant) == pytest.approx(0, abs=1e-9)
    assert divergence(values, values[::-1]) >= 0


def test_energies_in_float64_whatever_the_arrays_are():
    signal, noise = energies(np.array([3e30, 4], np.float32), np.array([3e30, 5], np.float32))
    assert signal == pytest.approx(9e60, rel=1e-6) and noise == 1
    assert decibels(100.0, 1.0) == pytest.approx(20)
    assert decibels(1.0, 0.0) is None and decibels(0.0, 1.0) is None


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.randoms())
def test_mean_does_not_depend_on_order(values, random):
    before = mean(values)
    random.shuffle(values)
    assert mean(values) == before
