"""Files that were published with SqueezeNet and are no part of this project: used where they are there.

They are looked for in the folder FIRELANE_DATA, or in `../shared/data` beside the project:

    deep_compression/compressed_SqueezeNet.net      the weights, see `models.deep_compression`
    images/0000_*.png                               photographs; a name begins with the index of the class
    labels.txt                                      names of the classes, see `sim.evaluate.labels`
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["INPUT_SIZES", "Published", "class_of", "data_folder", "labels_file", "net_file", "photographs"]

INPUT_SIZES = (224, 227)        #: rows and columns of images that the weights are for


@dataclass(frozen=True)
class Published:
    """Weights that were published, and photographs to calibrate them with."""

    weights: Path
    photographs: Sequence[Path]


def data_folder() -> Path:
    """The folder of the files, if they are anywhere."""
    return Path(os.environ.get("FIRELANE_DATA", Path(__file__).resolve().parents[2] / "shared/data"))


def net_file() -> Path | None:
    return _existing(data_folder() / "deep_compression/compressed_SqueezeNet.net")


def labels_file() -> Path | None:
    return _existing(data_folder() / "labels.txt")


def photographs() -> list[Path]:
    """The photographs in the order of their classes; none if there are none."""
    return sorted((data_folder() / "images").glob("*.png"))


def class_of(photograph: Path) -> int:
    """The class of a photograph, from its name."""
    return int(photograph.name[:4])


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None
