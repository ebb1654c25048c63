"""What a sliding window sees: views of a map, one for each place of the window."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from firelane.compiler.ir.graph import Tensor, Window


def seen(values: np.ndarray, window: Window, result: Tensor, outside: int) -> Iterator[np.ndarray]:
    """Views of what the output pixels see at each place of the window, rows before columns: kh * kw of (..., H', W').

    Pixels outside the map (..., H, W) read as `outside`; so do those past the padding that ceil mode may ask for.
    """
    yield from views(padded(values, window, result, outside), window, result)


def padded(values: np.ndarray, window: Window, result: Tensor, outside: int) -> np.ndarray:
    """The map with as many pixels around it as the window reaches: (..., H + top + bottom, W + left + right)."""
    height, width = values.shape[-2:]
    (top, bottom), (left, right) = margins((height, width), window, result)
    if not (top or left or bottom or right):
        return values
    around = ((0, 0),) * (values.ndim - 2) + ((top, bottom), (left, right))
    return np.pad(values, around, constant_values=outside)


def margins(shape: tuple[int, int], window: Window, result: Tensor) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pixels that `padded` adds to a map of `shape` (H, W): (top, bottom), (left, right)."""
    def around(axis: int, size: int, windows: int) -> tuple[int, int]:
        before = window.pads[axis]
        return before, max((windows - 1) * window.stride[axis] + window.kernel[axis] - size - before, 0)
    return around(0, shape[0], result.height), around(1, shape[1], result.width)


def views(values: np.ndarray, window: Window, result: Tensor) -> Iterator[np.ndarray]:
    """The views themselves, of a map with its margins; writing to them writes to the map."""
    (kernel_y, kernel_x), (stride_y, stride_x) = window.kernel, window.stride
    rows, columns = (result.height - 1) * stride_y + 1, (result.width - 1) * stride_x + 1
    for y in range(kernel_y):
        for x in range(kernel_x):
            yield values[..., y:y + rows:stride_y, x:x + columns:stride_x]
