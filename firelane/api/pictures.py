"""Images that a user gives once and that several steps use: read when they are needed, known by their digest before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from firelane.api.arguments import check_images
from firelane.compiler.compress.quality import held_out
from firelane.compiler.frame_io.preprocessing import FORMATS
from firelane.compiler.quantize.calibration_images import (
    HINT,
    IN_MEMORY,
    Images,
    LazyImages,
    no_images,
    read_array,
)
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.files import digest
from firelane.compiler.support.progress import Progress
from firelane.compiler.support.spread import spread
from firelane.sim.evaluate.image_folder import find_images, pixels_of

Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images as uint8 (C, H, W) each, gray or RGB, and a digest of each."""

    images: Sequence[np.ndarray]
    digests: tuple[str, ...]

    @property
    def key(self) -> str:
        """The digest of all."""
        return digest(self.digests)

    def __len__(self) -> int:
        return len(self.digests)

    def some(self, indices: Sequence[int]) -> Pictures:
        """These alone, in this order."""
        return Pictures(LazyImages(len(indices), lambda index: self.images[indices[index]]),
                        tuple(self.digests[index] for index in indices))

    def split(self) -> tuple[Pictures, Pictures]:
        """Those to work with, and one in five that nothing is made with, to judge by."""
        used, judged = held_out(range(len(self)))
        return self.some(used), self.some(judged)

    def stacked(self, progress: Progress) -> np.ndarray:
        """All pixels, uint8 (N, C, H, W)."""
        made = []
        for number, image in enumerate(self.images):
            progress("reading images", number, len(self))
            made.append(image)
        return np.stack(made)


def read_pictures(source: Images, option: str, shape: Shape, resize: int | None, limit: int | None = None) -> Pictures:
    """The images of a folder, and of folders in it, or of an array of pixels; at most `limit`, evenly spread.

    Parameters
    ----------
    option : of the command line, that named them
    shape, resize : of the network's input, as `read_pixels` has them

    Raises
    ------
    FirelaneError
        If there are none, or an array is not one of pixels of this shape. Files are looked at when they are read.
    """
    check_images(option, source)
    if isinstance(source, np.ndarray):
        return _of_array(source, IN_MEMORY, shape, limit)
    path = Path(source)
    if path.suffix.lower() == ".npy" and path.is_file():
        return _of_array(read_array(path), path, shape, limit)
    if not path.is_dir():
        raise FirelaneError(str(path), "neither a folder nor an .npy file" if path.exists() else
                            "no such file or folder", hint=f"{HINT} with {option}")
    files = find_images(path)
    chosen = [files[index] for index in spread(len(files), limit or len(files))]
    return Pictures(pixels_of(chosen, shape, resize), tuple(_file_digest(file) for file in chosen))


def _file_digest(file: Path) -> str:
    try:
        return digest([file])
    except OSError as error:
        raise FirelaneError(str(file), error.strerror or "cannot be read",
                            hint=f"give a folder of images: {FORMATS}") from None


def _of_array(array: np.ndarray, path: Path, shape: Shape, limit: int | None) -> Pictures:
    rows_first = (*shape[1:], shape[0])
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.ndim != 4 or array.shape[1:] not in (
            shape, rows_first):
        found = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else "several arrays"
        raise FirelaneError(str(path), found, hint=f"uint8 pixels of shape (N, {', '.join(map(str, shape))}) or "
                                                   f"(N, {', '.join(map(str, rows_first))}) are wanted")
    if not len(array):
        raise no_images(path)
    chosen = [array[index] for index in spread(len(array), limit or len(array))]
    images = [np.ascontiguousarray(image if image.shape == shape else image.transpose(2, 0, 1)) for image in chosen]
    return Pictures(images, tuple(digest([image.tobytes().hex()]) for image in images))
