"""The published files that some tests need, and the reason to skip where they are absent."""

import os
from pathlib import Path

import numpy as np
import pytest

from compiler.preprocessing import read_pixels

PLACE = Path(os.environ.get("FIRELANE_DATA", Path(__file__).parents[3] / "shared/data"))
NET_FILE = PLACE / "deep_compression/compressed_SqueezeNet.net"
IMAGES = sorted((PLACE / "images").glob("*.png"))

needs_net = pytest.mark.skipif(not NET_FILE.exists(), reason=f"no {NET_FILE}; FIRELANE_DATA says where the data are")
needs_images = pytest.mark.skipif(not IMAGES, reason=f"no images in {PLACE}; FIRELANE_DATA says where the data are")
slow = pytest.mark.skipif("FIRELANE_SLOW" not in os.environ, reason="minutes long: set FIRELANE_SLOW=1 to run it")


def images(size: int, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (N, 3, size, size) and labels (N,): all, or `count` evenly spread ones."""
    step = max(len(IMAGES) // count, 1) if count else 1
    chosen = IMAGES[::step][:count]
    return (np.stack([read_pixels(path, 3, size, size, 256) for path in chosen]),
            np.array([int(path.name[:4]) for path in chosen]))


def accuracy(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Top-1 and top-5 from (N, classes)."""
    ranked = np.argsort(-scores.astype(np.float64), axis=1, kind="stable")[:, :5]
    hits = ranked == labels[:, None]
    return float(hits[:, 0].mean()), float(hits.any(axis=1).mean())
