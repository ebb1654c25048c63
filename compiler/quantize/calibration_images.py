"""The images that a network is calibrated with: a folder of image files, or a NumPy file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import overload

import numpy as np
from PIL import Image

from firelane.compiler.frame_io.preprocessing import CHANNELS, FORMATS, INPUT_KEY, Preprocessing, read_pixels
from firelane.compiler.support.errors import FirelaneError, ModelError
from firelane.compiler.support.files import open_file
from firelane.compiler.support.spread import spread

__all__ = ["LazyImages", "calibration_images", "image_files", "images_below", "no_images", "read_array"]

HINT = "give a folder of images, or an .npy file"
Shape = tuple[int, int, int]
Images = str | Path | np.ndarray        # a folder, an .npy file, or what one would hold
IN_MEMORY = Path("calibration")         # what messages call an array that has no file


class LazyImages(Sequence[np.ndarray]):
    """Images, float32 (C, H, W) each, made when asked for: thousands of images need the memory of one."""

    def __init__(self, count: int, make: Callable[[int], np.ndarray]):
        self._count, self._make = count, make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, index: slice) -> LazyImages: ...

    def __getitem__(self, index: int | slice) -> np.ndarray | LazyImages:
        if isinstance(index, slice):
            chosen = range(self._count)[index]
            return LazyImages(len(chosen), lambda number: self._make(chosen[number]))
        if not 0 <= index < self._count:
            raise IndexError(index)
        return self._make(index)


def calibration_images(source: Images, shape: Shape, recorded: Preprocessing | None, taken: Preprocessing | None,
                       limit: int) -> Sequence[np.ndarray]:
    """Images of `source`, at most `limit` of them, evenly spread, as float32 values of the network's input.

    Parameters
    ----------
    source : a folder of image files, or of folders of them, or an array or an .npy file, (N, C, H, W) or (N, H, W, C),
        whatever the model's own order is: uint8 pixels, gray or RGB, or floats, values of the input as `recorded` has
        them
    shape : (channels, height, width) of the input
    recorded : preprocessing of the model as its user knows it, None if it is not known
    taken : of the model that is calibrated, after `fold_preprocessing`

    Raises
    ------
    FirelaneError
        If there are no images, or they cannot be used.
    """
    if recorded is not None and CHANNELS[recorded.channels] != shape[0]:
        raise ModelError(f"metadata {INPUT_KEY}", f"channels {recorded.channels}, the input has {shape[0]}",
                         hint="correct it with --channels")
    if isinstance(source, np.ndarray):
        return _array(source, IN_MEMORY, shape, recorded, taken, limit)
    path = Path(source)
    if path.is_dir():
        return _folder(path, shape, taken, limit)
    if not path.exists():
        raise FirelaneError(str(path), "no such file or folder", hint=HINT)
    if path.suffix.lower() != ".npy":
        raise FirelaneError(str(path), "neither a folder nor an .npy file", hint=HINT)
    return _array(read_array(path), path, shape, recorded, taken, limit)


def image_files(folder: Path, *, classes: bool = False) -> list[Path]:
    """What Pillow knows in it, by the extension, sorted by name; what is no file is refused when it is read.

    Parameters
    ----------
    classes : bool
        Whether folders in it are not images, whatever their names are.
    """
    known = Image.registered_extensions()
    found = sorted(file for file in folder.iterdir() if file.suffix.lower() in known)
    return [file for file in found if not (classes and file.is_dir())]


def images_below(folder: Path) -> list[Path]:
    """The same of a folder and of all folders in it that are not hidden, sorted by path."""
    below = sorted(path for path in folder.rglob("*") if path.is_dir())
    visible = [path for path in below if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    return sorted(file for place in (folder, *visible) for file in image_files(place, classes=True))


def no_images(folder: Path) -> FirelaneError:
    """The error to raise if there are none."""
    return FirelaneError(str(folder), "no images in it", hint=f"{FORMATS} are looked for")


def _folder(path: Path, shape: Shape, taken: Preprocessing | None, limit: int) -> Sequence[np.ndarray]:
    files = images_below(path) or image_files(path)     # of folders alone that have images' names, reading says so
    if not files:
        raise no_images(path)
    record = _needed(path, taken)
    chosen = [files[index] for index in spread(len(files), limit)]
    return LazyImages(len(chosen), lambda index: record.real(read_pixels(chosen[index], *shape, record.resize)))


def read_array(path: Path) -> np.ndarray:
    """The array of an .npy file, read from there as it is needed.

    Raises
    ------
    FirelaneError
        If it is none.
    """
    try:
        open_file(path).close()
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        reason = getattr(error, "strerror", None) or "not an .npy file of numbers, or a damaged one"
        raise FirelaneError(str(path), reason, hint="write it with numpy.save") from None


def _array(array: np.ndarray, path: Path, shape: Shape, recorded: Preprocessing | None, taken: Preprocessing | None,
           limit: int) -> Sequence[np.ndarray]:
    if not isinstance(array, np.ndarray) or array.dtype not in (np.uint8, np.float32, np.float64):
        raise FirelaneError(str(path), f"holds {getattr(array, 'dtype', 'several arrays')}",
                            hint="uint8 pixels or float32 input values are possible")
    channels_first, rows_first = ((array.ndim == 4 and array.shape[1:] == dims)
                                  for dims in (shape, (*shape[1:], shape[0])))
    if not (channels_first or rows_first):
        raise FirelaneError(str(path), f"{array.dtype} of shape {array.shape}",
                            hint=f"(N, {', '.join(map(str, shape))}) or (N, "
                                 f"{', '.join(map(str, (*shape[1:], shape[0])))}) is wanted")
    if channels_first and array.dtype != np.uint8:      # both, where all three are the same: pixels are rows first then
        rows_first = False
    if not len(array):
        raise FirelaneError(str(path), "no images in it", hint="one at least is needed")
    chosen, convert = spread(len(array), limit), _conversion(path, array.dtype, recorded, taken)

    def make(index: int) -> np.ndarray:
        image = np.asarray(array[chosen[index]])
        values = convert(image.transpose(2, 0, 1) if rows_first else image)
        if not np.all(np.isfinite(values)):
            raise FirelaneError(str(path), f"image {chosen[index]} has values that are not finite",
                                hint="check how it was normalised")
        return values
    return LazyImages(len(chosen), make)


def _conversion(path: Path, dtype: np.dtype, recorded: Preprocessing | None,
                taken: Preprocessing | None) -> Callable[[np.ndarray], np.ndarray]:
    """The function that makes values of the calibrated model's input from an element of an array."""
    if dtype == np.uint8:
        return _needed(path, taken).real
    if recorded is None or taken is None or recorded == taken:
        return lambda image: image.astype(np.float32)
    return lambda image: taken.real(recorded.pixels(image))


def _needed(path: Path, taken: Preprocessing | None) -> Preprocessing:
    if taken is None:
        raise FirelaneError(str(path), "how the network takes pixels is not known",
                            hint=f"the model has no metadata {INPUT_KEY}: give --preset, or --mean, --scale, "
                                 "--channels, --resize")
    return taken
