"""The published files that some tests need, and the reason to skip where they are absent."""

import os

import numpy as np
import pytest

from firelane.compiler.frame_io.preprocessing import read_pixels
from firelane.models.published_data import class_of, data_folder, photographs

PLACE = data_folder()
NET_FILE = PLACE / "deep_compression/compressed_SqueezeNet.net"
IMAGES = photographs()

needs_net = pytest.mark.skipif(not NET_FILE.exists(), reason=f"no {NET_FILE}; FIRELANE_DATA says where the data are")
needs_images = pytest.mark.skipif(not IMAGES, reason=f"no images in {PLACE}; FIRELANE_DATA says where the data are")
slow = pytest.mark.skipif("FIRELANE_SLOW" not in os.environ, reason="minutes long: set FIRELANE_SLOW=1 to run it")


def images(size: int, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (N, 3, size, size) and labels (N,): all, or `count` evenly spread ones."""
    step = max(len(IMAGES) // count, 1) if count else 1
    chosen = IMAGES[::step][:count]
    return (np.stack([read_pixels(path, 3, size, size, 256) for path in chosen]),
            np.array([class_of(path) for path in chosen]))


def accuracy(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Top-1 and top-5 from (N, classes)."""
    ranked = np.argsort(-scores.astype(np.float64), axis=1, kind="stable")[:, :5]
    hits = ranked == labels[:, None]
    return float(hits[:, 0].mean()), float(hits.any(axis=1).mean())
