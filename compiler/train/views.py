"""Pictures as a network sees them while it learns: as they are, or moved, turned, mirrored and lit a little otherwise.

A view follows from the seed, its number and the content of the file alone: not from the order of files, the machine, or
whether training was interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from firelane.compiler.frame_io.preprocessing import MODES, read_pixels
from firelane.compiler.ir.graph import PIXEL_MAX

TURN, SHEAR = 0.17, 0.08            # radians at most
ZOOM, SHIFT = 0.15, 0.08            # shares of the side at most
LIGHT = 0.2                         # share of brightness and of contrast at most
MARGIN = 0.5                        # of a side, that is put around a picture: no view looks farther
SEED_DIGITS = 15                    # of a digest: they fit 64 bits


@dataclass(frozen=True, kw_only=True)
class Views:
    """How pictures are read.

    Parameters
    ----------
    shape : (channels, height, width) of the network's input
    resize : as `Preprocessing` has it
    mirror : whether half of the views are mirrored
    seed : int
    """

    shape: tuple[int, int, int]
    resize: int | None
    mirror: bool
    seed: int

    def read(self, file: Path, digest: str, number: int) -> np.ndarray:
        """View `number` of a picture: uint8 (C, H, W), gray or RGB; view 0 is the picture as it is."""
        if number == 0:
            return read_pixels(file, *self.shape, self.resize)
        rng = np.random.default_rng([self.seed, number, int(digest[:SEED_DIGITS], 16)])
        return _lit(self._moved(self._wide(file), rng), rng)

    def _wide(self, file: Path) -> np.ndarray:
        """The picture with what the network's own view cuts away."""
        channels, height, width = self.shape
        if self.resize is None or height != width:
            return read_pixels(file, *self.shape, self.resize)
        return read_pixels(file, channels, self.resize, self.resize, self.resize)

    def _moved(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A part of the picture of the network's size; behind its edges they go on."""
        channels, height, width = self.shape
        turn, shear, zoom_x, zoom_y, across, down, mirror = rng.uniform(-1, 1, 7) * (
            TURN, SHEAR, ZOOM, ZOOM, SHIFT * width, SHIFT * height, 1)
        flip = -1 if self.mirror and mirror < 0 else 1
        turned = np.array([[np.cos(turn), -np.sin(turn) + shear], [np.sin(turn), np.cos(turn)]])
        matrix = turned @ np.diag([flip * (1 + zoom_x), 1 + zoom_y])
        rows, columns = (round(MARGIN * side) for side in pixels.shape[1:])
        around = np.pad(pixels, ((0, 0), (rows, rows), (columns, columns)), "edge").transpose(1, 2, 0)
        middle = np.array(around.shape[1::-1]) / 2 + (across, down)
        offset = middle - matrix @ np.array([width, height]) / 2
        image = Image.fromarray(around[:, :, 0] if channels == 1 else around, MODES[channels])
        coefficients = (matrix[0, 0], matrix[0, 1], offset[0], matrix[1, 0], matrix[1, 1], offset[1])
        moved = image.transform((width, height), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
        return np.asarray(moved).reshape(height, width, channels).transpose(2, 0, 1)


def _lit(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture with another brightness and contrast."""
    light, contrast = 1 + rng.uniform(-LIGHT, LIGHT, 2)
    mean = pixels.mean()
    changed = (pixels - mean) * contrast + mean * light
    return np.clip(np.rint(changed), 0, PIXEL_MAX).astype(np.uint8)
