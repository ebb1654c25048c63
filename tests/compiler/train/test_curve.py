"""When learning stops, and how fast it goes."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.compiler.train.curve import ALL, LAST, Step, best_step, loss_and_share, stops
from firelane.compiler.train.plan import Plan, rate_at


def steps(*losses: float) -> list[Step]:
    return [Step(ALL, number, 0.1, 0.0, loss, 1.0, 0.5) for number, loss in enumerate(losses, 1)]


def test_the_best_is_the_first_with_the_least_loss():
    assert best_step(steps(3, 1, 2, 1)).number == 2


@pytest.mark.parametrize("losses, stop", [
    ((), False), ((1,), False), ((1, 2), False), ((1, 2, 3), True), ((1, 1, 1), True), ((3, 2, 1), False),
    ((1, 2, 0.5, 2), False), ((1, 2, 0.5, 2, 2), True)])
def test_it_stops_after_two_steps_that_are_no_better(losses, stop):
    assert stops(steps(*losses), 2) is stop


def test_loss_and_share():
    scores = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8], [0.2, 0.7, 0.1]])) + 7
    loss, share = loss_and_share(scores, np.array([0, 2, 0]))
    assert loss == pytest.approx(-np.log([0.5, 0.8, 0.2]).mean()) and share == pytest.approx(2 / 3)


def test_large_scores_do_not_overflow():
    assert loss_and_share(np.array([[1e5, -1e5]], np.float32), np.array([0])) == (0.0, 1.0)


def test_the_rate_rises_and_falls():
    plan = Plan(layers=LAST, epochs=11, rate=0.5)
    rates = [rate_at(plan, epoch) for epoch in np.linspace(0, 11, 45)]
    assert max(rates) == rate_at(plan, 1) == 0.5 and rate_at(plan, 6) == pytest.approx(0.25)
    assert np.all(np.diff(rates[:5]) > 0) and np.all(np.diff(rates[4:-3]) < 0) and min(rates) == pytest.approx(0.005)
    assert rate_at(Plan(epochs=1, rate=0.5), 0.5) == 0.25
