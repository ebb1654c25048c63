"""Statistics of what a convolution sees in many images, in the compressed network and in the float one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class InputStatistics:
    """Moments of a convolution's inputs over some images' pixels: x in the compressed network, x* in the float one.

    `images`: how many; per group `mean_real`, `mean_ideal` float64 (groups, n): E[x], E[x*]; `square`, `product`
    float64 (groups, n, n): E[x x'], E[x* x'].
    """

    images: int
    mean_real: np.ndarray
    mean_ideal: np.ndarray
    square: np.ndarray
    product: np.ndarray

    @cached_property
    def moments(self) -> np.ndarray:
        """The centred second moments E[x x']."""
        return self.square - self.mean_real[:, :, None] * self.mean_real[:, None, :]

    @cached_property
    def missing(self) -> np.ndarray:
        """The centred moments E[(x* - x) x'] of what is missing."""
        return self.product - self.mean_ideal[:, :, None] * self.mean_real[:, None, :] - self.moments


def pooled(parts: Sequence[InputStatistics]) -> InputStatistics:
    """The statistics of all images of `parts` together."""
    images = sum(part.images for part in parts)

    def mean(name: str) -> np.ndarray:
        return sum(part.images * getattr(part, name) for part in parts) / images
    return InputStatistics(images, mean("mean_real"), mean("mean_ideal"), mean("square"), mean("product"))


def shrunk_moments(parts: Sequence[InputStatistics]) -> np.ndarray:
    """The moments of all images, drawn to their own diagonal the more, the more the parts contradict each other.

    float64 (groups, n, n). The least expected squared error has (1 - s) H + s diag(H) with s the variance of H's other
    elements, found from the parts, over the sum of their squares (Ledoit and Wolf 2004; for this target Schaefer and
    Strimmer 2005, table 2). One part says nothing about the variance: nothing is shrunk.
    """
    whole, apart = pooled(parts).moments, ~np.eye(parts[0].square.shape[1], dtype=bool)
    if len(parts) == 1:
        return whole
    spread = sum(((part.moments - whole) ** 2).sum(axis=(1, 2), where=apart) for part in parts)
    size = (whole ** 2).sum(axis=(1, 2), where=apart) + np.finfo(float).tiny
    share = np.minimum(spread / (len(parts) * (len(parts) - 1)) / size, 1)
    return np.where(apart, (1 - share)[:, None, None] * whole, whole)
