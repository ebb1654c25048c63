"""Handwritten digits, drawn here: what `make sim` shows to the digit networks.

Pen strokes, moved, turned, slanted and bent a little at random, become pixels as those of the data set of
`models.digits` did (UCI, "Optical Recognition of Handwritten Digits"): a bitmap of 32 x 32, set pixels counted in cells
of 4 x 4, 17 levels. No network was trained or calibrated with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

__all__ = ["CLASSES", "Digits", "SIDE", "drawn_digits", "enlarged"]

SIDE = 56
CLASSES = 10
COUNT = 360                     #: as many as are held out of the data set
CELL_MAX = 16                   #: set pixels in a cell
SEED = 1

_BITMAP, _CELLS = 32, 8
_PEN = (3.4, 4.6)               # widths in pixels of the bitmap
_POINTS = 12                    # of each piece of a curve

# Strokes of each digit: points that a smooth line passes, x to the right and y down, both 0..1.
STROKES: tuple[tuple[tuple[tuple[float, float], ...], ...], ...] = (
    (((.55, .0), (.2, .15), (.1, .5), (.2, .85), (.5, 1.), (.8, .85), (.9, .5), (.8, .15), (.55, .0)),),
    (((.3, .3), (.6, .0)), ((.6, .0), (.58, .5), (.55, 1.))),
    (((.15, .2), (.45, .0), (.8, .2), (.65, .55), (.15, 1.)), ((.15, 1.), (.5, .97), (.9, .97))),
    (((.15, .08), (.55, .0), (.8, .2), (.45, .47)), ((.45, .47), (.85, .7), (.6, 1.), (.1, .93))),
    (((.5, .0), (.3, .3), (.1, .65)), ((.1, .65), (.5, .68), (.95, .65)), ((.65, .35), (.62, .7), (.58, 1.))),
    (((.85, .02), (.5, .0), (.25, .03)), ((.25, .03), (.22, .25), (.2, .45)),
     ((.2, .45), (.6, .4), (.85, .68), (.6, .98), (.15, .93))),
    (((.55, .0), (.25, .3), (.15, .7), (.45, 1.), (.8, .85), (.75, .6), (.45, .52), (.2, .7)),),
    (((.1, .03), (.5, .0), (.85, .02)), ((.85, .02), (.6, .5), (.4, 1.)), ((.25, .52), (.55, .5), (.8, .5))),
    (((.5, .0), (.22, .15), (.3, .38), (.68, .58), (.75, .88), (.45, 1.), (.22, .85), (.35, .58), (.7, .35), (.75, .12),
      (.5, .0)),),
    (((.8, .2), (.5, .0), (.2, .2), (.35, .48), (.7, .42), (.8, .2)), ((.8, .2), (.8, .6), (.55, .97), (.2, .95))),
)


@dataclass(frozen=True)
class Digits:
    """Labelled images; the arrays are read-only.

    Parameters
    ----------
    images : uint8 (N, 56, 56, 1)
        Rows, columns, one grey channel; 0 is background, 255 is full ink.
    labels : int64 (N,)
        The digit, 0..9.
    index : int64 (N,)
        The number of each image where it comes from.
    """

    images: np.ndarray
    labels: np.ndarray
    index: np.ndarray

    def __post_init__(self):
        expected = (len(self.labels), SIDE, SIDE, 1)
        if self.images.shape != expected or self.images.dtype != np.uint8:
            raise ValueError(f"images must be uint8 {expected}, not {self.images.dtype} {self.images.shape}")
        for array in (self.images, self.labels, self.index):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.labels)


@cache
def drawn_digits(count: int = COUNT) -> Digits:
    """The first `count` digits, the same on every call and machine."""
    streams = np.random.SeedSequence(SEED).spawn(count)
    labels = np.arange(1, count + 1, dtype=np.int64) * 7 % CLASSES         # 7, 4, 1, 8, ...
    images = [enlarged(_cells(int(label), np.random.default_rng(stream))) for label, stream in zip(labels, streams)]
    return Digits(np.stack(images), labels, np.arange(count))


def enlarged(cells: np.ndarray) -> np.ndarray:
    """Cells (8, 8) with values 0..16 -> uint8 (56, 56, 1), bicubic."""
    levels = cells.astype(np.int64)
    pixels = ((levels * 255 + CELL_MAX // 2) // CELL_MAX).astype(np.uint8)
    image = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.uint8)[:, :, np.newaxis]


def _cells(digit: int, rng: np.random.Generator) -> np.ndarray:
    """A digit as counts of set pixels, int64 (8, 8)."""
    pen = rng.uniform(*_PEN)
    lines = _placed([_curve(np.array(stroke) + rng.normal(0, 0.025, (len(stroke), 2))) for stroke in STROKES[digit]],
                    pen, rng)
    x, y = np.concatenate(lines).T
    places = np.arange(_BITMAP)[:, np.newaxis] + 0.5
    squared = ((places - y) ** 2)[:, np.newaxis] + (places - x) ** 2        # of the distances to points of the lines
    bitmap = (squared.min(axis=2) <= (pen / 2) ** 2).astype(np.int64)
    side = _BITMAP // _CELLS
    return bitmap.reshape(_CELLS, side, _CELLS, side).sum(axis=(1, 3))


def _placed(lines: list[np.ndarray], pen: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Strokes as someone writes them, as high as the bitmap and in its middle, as in the data set."""
    angle, slant, width = rng.normal(0, 0.06), rng.normal(0.08, 0.08), rng.uniform(0.62, 0.8)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    lines = [(line * (width, 1) @ ((1, 0), (-slant, 1))) @ turn for line in lines]
    every = np.concatenate(lines)
    low, high = every.min(axis=0), every.max(axis=0)
    scale = (_BITMAP - pen) / (high[1] - low[1])
    middle = (low + high) / 2
    return [(line - middle) * scale + _BITMAP / 2 for line in lines]


def _curve(points: np.ndarray) -> np.ndarray:
    """Many points on a smooth line through a few, (N, 2): Catmull-Rom's."""
    ends = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, _POINTS)[:, np.newaxis]
    pieces = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:]):
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t ** 2
                             + (3 * b - a - 3 * c + d) * t ** 3))
    return np.concatenate(pieces)
