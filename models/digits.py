"""Handwritten digits at 56 x 56: the data set of the small SqueezeNets in this folder.

The images are scikit-learn's `load_digits` (1797 images, 8 x 8, 17 grey levels), which ship inside the
scikit-learn package, so nothing is downloaded. Each is enlarged seven times, because 56 pixels become
27, 13 and 6 columns behind a stride-2 convolution and two poolings, like the late maps of SqueezeNet.
"""

from functools import cache

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from firelane.models.drawn_digits import Digits, enlarged

__all__ = ["load_split", "to_network_input"]

_HELD_OUT_FRACTION = 0.2
_SPLIT_SEED = 20160224     # the day the SqueezeNet paper appeared


def _select(images: np.ndarray, labels: np.ndarray, index: np.ndarray) -> Digits:
    return Digits(images=images[index], labels=labels[index], index=index)


@cache
def load_split() -> tuple[Digits, Digits]:
    """The training part (1437 images) and the held-out part (360), the same on every call and machine.

    Every class keeps its share in both parts. Training, pruning and calibration see the first part only.
    """
    source = load_digits()
    images = np.stack([enlarged(cells) for cells in source.images])
    labels = source.target.astype(np.int64)
    train, held_out = train_test_split(np.arange(len(labels)), test_size=_HELD_OUT_FRACTION,
                                       random_state=_SPLIT_SEED, shuffle=True, stratify=labels)
    return _select(images, labels, np.sort(train)), _select(images, labels, np.sort(held_out))


def to_network_input(images: np.ndarray) -> np.ndarray:
    """uint8 (N, 56, 56, 1) -> float32 (N, 1, 56, 56), still in pixel units 0..255."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float32)
