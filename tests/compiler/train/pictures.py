"""Small pictures of stripes to learn from, and a small network that takes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from PIL import Image

from firelane.compiler.frame_io.preprocessing import Preprocessing, record_preprocessing
from tests.float_models import small_squeezenet

SIDE = 24
CLASSES = ("across", "down", "slanted")


def stripes(kind: str, seed: int) -> np.ndarray:
    """A picture, uint8 (rows, columns, 3), of stripes of this kind, somewhere, with noise."""
    rng = np.random.default_rng([CLASSES.index(kind), seed])
    rows, columns = np.mgrid[:SIDE, :SIDE] + rng.uniform(0, 6)
    wave = np.sin({"across": rows, "down": columns, "slanted": (rows + columns) * 0.75}[kind] * rng.uniform(1, 1.2))
    pixels = 128 + 80 * wave[..., None] + rng.normal(0, 25, (SIDE, SIDE, 3))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def folder_of_stripes(folder: Path, count: int, *, first: int = 0, classes: tuple[str, ...] = CLASSES) -> Path:
    """A folder of `count` pictures of each class."""
    for kind in classes:
        (folder / kind).mkdir(parents=True)
        for number in range(first, first + count):
            Image.fromarray(stripes(kind, number)).save(folder / kind / f"{number:03}.png")
    return folder


def network() -> onnx.ModelProto:
    """A float network of ten classes with random weights, for RGB pictures of `SIDE` rows and columns."""
    return record_preprocessing(small_squeezenet(SIDE), Preprocessing(scale=(1 / 64,), mean=(128.0,)))
