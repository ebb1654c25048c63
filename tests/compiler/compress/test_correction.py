"""compiler.compress.correction: errors of earlier layers are made good where images say how, and only there."""

import numpy as np
import pytest

from firelane.compiler.compress.correction import corrected
from firelane.compiler.compress.input_statistics import InputStatistics
from tests.compiler.compress.test_input_statistics import statistics_of

INPUTS, OUTPUTS = 40, 6
IMPORTANCE = np.linspace(1, 2, OUTPUTS)


def material(images: int, error, seed: int):
    """(weights, real and ideal inputs): x = x* + `error` (x*)."""
    rng = np.random.default_rng(seed)
    ideal = rng.normal(size=(images, INPUTS))
    return rng.normal(size=(OUTPUTS, INPUTS)), ideal + error(ideal, rng), ideal


def correct(weights, real, ideal, parts: int) -> np.ndarray:
    pairs = zip(np.array_split(real, parts), np.array_split(ideal, parts))
    return corrected(weights[None], [statistics_of(*pair) for pair in pairs], IMPORTANCE[None])[0]


def loss(found, weights, real, ideal) -> float:
    return float(IMPORTANCE @ ((real @ found.T - ideal @ weights.T) ** 2).mean(axis=0))


def test_an_error_that_the_inputs_explain_is_undone():
    """Half of one input has gone into another: a layer that knows can give the same as before."""
    def leak(ideal, rng):
        return 0.5 * np.roll(ideal, 1, axis=1)
    weights, real, ideal = material(5000, leak, 0)
    assert loss(correct(weights, real, ideal, 4), weights, real, ideal) < 0.01 * loss(weights, weights, real, ideal)


def test_noise_is_not_learnt_by_heart():
    """60 images, 40 inputs: the best correction of those images doubles the error of others; hardly any is applied."""
    def noise(ideal, rng):
        return 0.3 * rng.normal(size=ideal.shape) * (np.abs(ideal) > 1)
    weights, real, ideal = material(60, noise, 1)
    _, others_real, others_ideal = material(4000, noise, 2)
    plain = loss(weights, weights, others_real, others_ideal)
    greedy = weights + np.linalg.lstsq(real, (ideal - real) @ weights.T, rcond=None)[0].T
    assert loss(greedy, weights, real, ideal) < 0.5 * loss(weights, weights, real, ideal)
    assert loss(greedy, weights, others_real, others_ideal) > 1.5 * plain
    assert loss(correct(weights, real, ideal, 4), weights, others_real, others_ideal) < 1.05 * plain


@pytest.mark.parametrize("parts", [1, 4])
def test_nothing_is_corrected_where_nothing_is_wrong_or_known(parts):
    """Without an error, and where one part leaves nothing to validate with."""
    weights, real, ideal = material(100, lambda ideal, rng: 0.0 if parts > 1 else 0.5 * ideal, 3)
    assert np.allclose(correct(weights, real, ideal, parts), weights)


def test_inputs_that_never_occur_keep_their_weights():
    def leak(ideal, rng):
        return 0.5 * np.roll(ideal, 1, axis=1)
    weights, real, ideal = material(2000, leak, 4)
    real[:, 7], ideal[:, 7] = 0, 0
    found = correct(weights, real, ideal, 4)
    assert np.isfinite(found).all() and np.allclose(found[:, 7], weights[:, 7])


def test_groups_are_corrected_each_for_itself():
    """One group gets noise, one an error that its inputs explain."""
    def noise(ideal, rng):
        return 0.3 * rng.normal(size=ideal.shape)

    def leak(ideal, rng):
        return 0.5 * np.roll(ideal, 1, axis=1)
    cases = [material(400, noise, 5), material(400, leak, 6)]
    split = [[statistics_of(*pair) for pair in zip(np.array_split(real, 4), np.array_split(ideal, 4))]
             for _, real, ideal in cases]
    together = [InputStatistics(one.images, *(np.concatenate([getattr(part, name) for part in (one, other)])
                                              for name in ("mean_real", "mean_ideal", "square", "product")))
                for one, other in zip(*split)]
    found = corrected(np.array([weights for weights, _, _ in cases]), together, np.array([IMPORTANCE, IMPORTANCE]))
    assert np.allclose(found, [correct(*case, parts=4) for case in cases])
