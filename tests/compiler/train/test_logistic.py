"""The last layer, fitted."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.compiler.support.progress import silent
from firelane.compiler.train.curve import LAST, best_step, loss_and_share
from firelane.compiler.train.logistic import PENALTIES, fit


def clouds(classes: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features around a point for each class, which overlap; all positive and large, as behind a ReLU."""
    middles = np.random.default_rng(0).normal(0, 2, (classes, 6))
    rng, labels = np.random.default_rng(seed), np.arange(classes * count) % classes
    return (50 + 4 * (middles[labels] + rng.normal(0, 1.2, (len(labels), 6)))).astype(np.float32), labels


@pytest.mark.parametrize("classes", [2, 5])
def test_it_tells_classes_apart(classes):
    learnt, labels = clouds(classes, 60, 1)
    held, held_labels = clouds(classes, 60, 2)
    found = fit(learnt, labels, held, held_labels, silent)
    assert found.weight.shape == (classes, 6) and found.bias.shape == (classes,)
    loss, share = loss_and_share(held @ found.weight.T + found.bias, held_labels)
    best = best_step(found.steps)
    assert share > 0.85 and (loss, share) == pytest.approx((best.held_loss, best.held_share))
    assert {step.part for step in found.steps} == {LAST}
    assert [step.strength for step in found.steps] == list(PENALTIES[:len(found.steps)])


def test_weak_penalties_are_left_out_where_they_learn_by_heart():
    """Ten images in sixty dimensions can all be told apart, whatever their labels are."""
    rng = np.random.default_rng(0)
    learnt, held = rng.normal(size=(10, 60)).astype(np.float32), rng.normal(size=(40, 60)).astype(np.float32)
    found = fit(learnt, np.arange(10) % 2, held, np.arange(40) % 2, silent)
    assert len(found.steps) < len(PENALTIES) and best_step(found.steps).number <= len(found.steps) - 3


def test_the_same_features_give_the_same_bytes():
    given = (*clouds(3, 20, 1), *clouds(3, 20, 2), silent)
    first, second = fit(*given), fit(*given)
    assert first.weight.tobytes() == second.weight.tobytes() and first.steps == second.steps


def test_features_that_say_nothing():
    found = fit(np.ones((6, 4), np.float32), [0, 1, 2] * 2, np.ones((3, 4), np.float32), [0, 1, 2], silent)
    assert np.all(np.isfinite(found.weight)) and best_step(found.steps).held_loss == pytest.approx(np.log(3))
