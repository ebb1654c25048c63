"""The image files of a folder, and of the folders of classes in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from firelane.compiler.frame_io.preprocessing import read_pixels
from firelane.compiler.quantize.calibration_images import LazyImages, images_below, no_images
from firelane.compiler.support.errors import FirelaneError

__all__ = ["find_images", "pixels_of"]


def find_images(folder: Path) -> list[Path]:
    """All image files in or below `folder`, sorted by path; hidden folders are left out.

    Raises
    ------
    FirelaneError
        If there are none.
    """
    if not folder.is_dir():
        raise FirelaneError(str(folder), "is no folder" if folder.exists() else "no such folder",
                            hint="give a folder of images with --images")
    files = images_below(folder)
    if not files:
        raise no_images(folder)
    return files


def pixels_of(files: Sequence[Path], shape: tuple[int, int, int], resize: int | None) -> Sequence:
    """uint8 (C, H, W) of each file, gray or RGB, read when asked for; parameters as for `read_pixels`."""
    return LazyImages(len(files), lambda index: read_pixels(files[index], *shape, resize))
