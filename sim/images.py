"""Images for a simulation: held-out digits, files, or noise, all as the graph's stored input values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compiler.errors import ConfigError
from compiler.ir import Graph
from compiler.preprocessing import read_image
from models.digits import CLASSES, SIDE, load_split

NOISE_SEED = 7


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


def choose_images(graph: Graph, files: Sequence[Path], count: int) -> ImageSet:
    """`files` if there are any, else `count` held-out digits if the network takes digits, else one image of noise."""
    if files:
        return ImageSet(np.stack([read_image(graph, path) for path in files]), None,
                        ", ".join(str(path) for path in files))
    if takes_digits(graph):
        held_out = load_split()[1]
        if count > len(held_out):
            raise ConfigError("--images", f"{count}, but there are {len(held_out)} held-out digits")
        pixels = np.ascontiguousarray(held_out.images[:count].transpose(0, 3, 1, 2))
        return ImageSet(pixels, held_out.labels[:count], f"{count} held-out digits")
    shape = graph.tensors[graph.input].shape
    noise = np.random.default_rng(NOISE_SEED).integers(0, 256, (1, *shape), dtype=np.uint8)
    return ImageSet(noise, None, "one image of noise (name one with IMAGE=, option --image)")


def takes_digits(graph: Graph) -> bool:
    """Whether the images of `models.digits` fit."""
    return (graph.tensors[graph.input].shape == (1, SIDE, SIDE)
            and int(np.prod(graph.tensors[graph.output].shape)) == CLASSES)


def stream_bytes(image: np.ndarray) -> bytes:
    """uint8 (C, H, W) -> the bytes of s_axis: rows, columns, channels."""
    return np.ascontiguousarray(image.transpose(1, 2, 0)).tobytes()
