"""Images for a simulation: drawn digits, files, or made ones, all as the graph's stored input values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from firelane.compiler.frame_io.preprocessing import MODES, preprocessing_of, read_image, stored_input
from firelane.compiler.ir.graph import Graph
from firelane.compiler.support.counted import counted
from firelane.compiler.support.errors import ConfigError
from firelane.models.drawn_digits import CLASSES, COUNT, SIDE, drawn_digits
from firelane.models.made_images import made_images

MADE_SEED = 7
DIGITS_SHOWN = 20


@dataclass(frozen=True)
class ImageSet:
    """What the frames show.

    Parameters
    ----------
    pixels : uint8 (N, C, H, W)
    labels : int64 (N,), or None if unknown
    description : str
        In words, for the report.
    """

    pixels: np.ndarray
    labels: np.ndarray | None
    description: str

    def __len__(self) -> int:
        return len(self.pixels)


def choose_images(graph: Graph, files: Sequence[Path], count: int | None = None) -> ImageSet:
    """`files` if there are any, else drawn digits if the network takes digits, else images made from nothing.

    `count`: how many of those that need not be named; DIGITS_SHOWN digits or one made image if nobody says.
    """
    if files:
        return ImageSet(np.stack([read_image(graph, path) for path in files]), None,
                        ", ".join(str(path) for path in files))
    if takes_digits(graph):
        return _digits(graph, count or DIGITS_SHOWN)
    count, shape = count or 1, graph.tensors[graph.input].shape
    return ImageSet(_made(shape, count), None, f"{counted(count, 'made image')} (IMAGE=, --image: one of yours)")


def takes_digits(graph: Graph) -> bool:
    """Whether the images of `models.drawn_digits` fit."""
    return (graph.tensors[graph.input].shape == (1, SIDE, SIDE)
            and int(np.prod(graph.tensors[graph.output].shape)) == CLASSES)


def _digits(graph: Graph, count: int) -> ImageSet:
    if count > COUNT:
        raise ConfigError("--limit", f"{count}, but there are {COUNT} drawn digits")
    digits = drawn_digits(count)
    pixels = np.ascontiguousarray(digits.images.transpose(0, 3, 1, 2))
    if preprocessing_of(graph.metadata) is not None:
        pixels = np.stack([stored_input(graph, image) for image in pixels])
    return ImageSet(pixels, digits.labels, counted(count, "drawn digit"))


def _made(shape: tuple[int, int, int], count: int) -> np.ndarray:
    """uint8 (count, C, H, W); noise where the channels are no colours."""
    if shape[0] in MODES:
        return made_images(count, shape, seed=MADE_SEED)
    return np.random.default_rng(MADE_SEED).integers(0, 256, (count, *shape), dtype=np.uint8)
