"""Images made from nothing."""

import numpy as np
import pytest

from firelane.models.made_images import MIDDLE, SPREAD, made_images


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 5, 9), (3, 1, 1)])
def test_shape_and_repeatability(shape):
    images = made_images(3, shape, seed=1)
    assert images.shape == (3, *shape) and images.dtype == np.uint8
    assert np.array_equal(made_images(2, shape, seed=1), images[:2])


def test_statistics_are_those_of_photographs():
    """Mean and spread; neighbours resemble each other, and channels do."""
    images = made_images(8, (3, 96, 96), seed=2).astype(np.float64)
    assert abs(images.mean() - MIDDLE) < 6 and abs(images.std() - SPREAD) < 6
    assert np.corrcoef(images[..., 1:].ravel(), images[..., :-1].ravel())[0, 1] > 0.7
    assert 0.6 < np.corrcoef(images[:, 0].ravel(), images[:, 1].ravel())[0, 1] < 0.99
