"""compiler.compress.input_statistics: parts add up, and moments are believed as far as the parts agree."""

import numpy as np
import pytest

from firelane.compiler.compress.input_statistics import InputStatistics, pooled, shrunk_moments


def statistics_of(real: np.ndarray, ideal: np.ndarray) -> InputStatistics:
    """Statistics of one group; `real`, `ideal` float64 (images, n), a pixel each."""
    square, product = real.T @ real / len(real), ideal.T @ real / len(real)
    return InputStatistics(len(real), real.mean(axis=0)[None], ideal.mean(axis=0)[None], square[None], product[None])


def test_pooled_parts_are_all_images_together():
    rng = np.random.default_rng(0)
    real, ideal = rng.normal(3, 1, (2, 30, 5))
    whole = pooled([statistics_of(real[:7], ideal[:7]), statistics_of(real[7:], ideal[7:])])
    assert whole.images == 30
    assert np.allclose(whole.moments[0], np.cov(real.T, bias=True))
    between = np.cov(ideal.T, real.T, bias=True)[:5, 5:]
    assert np.allclose(whole.missing[0], between - np.cov(real.T, bias=True))


@pytest.mark.parametrize("images", [40, 4000])
def test_shrunk_moments_are_nearer_to_the_truth(images):
    """Weakly correlated inputs: few images need much shrinking, many little."""
    rng = np.random.default_rng(1)
    mixing = np.eye(30) + 0.05 * rng.normal(size=(30, 30))
    truth = mixing @ mixing.T
    values = rng.normal(size=(images, 30)) @ mixing.T
    parts = [statistics_of(part, part) for part in np.array_split(values, 4)]
    plain, shrunk = pooled(parts).moments[0], shrunk_moments(parts)[0]
    assert np.array_equal(np.diagonal(shrunk), np.diagonal(plain))
    assert np.linalg.norm(shrunk - truth) < np.linalg.norm(plain - truth)
    share = 1 - shrunk[0, 1] / plain[0, 1]
    assert share > 0.3 if images == 40 else share < 0.1


def test_one_part_is_believed():
    rng = np.random.default_rng(2)
    part = statistics_of(*rng.normal(size=(2, 20, 4)))
    assert np.array_equal(shrunk_moments([part]), part.moments)


def test_parts_that_agree_are_believed():
    rng = np.random.default_rng(3)
    part = statistics_of(*rng.normal(size=(2, 20, 4)))
    assert np.allclose(shrunk_moments([part, part, part]), part.moments)
