"""What a sliding window sees: views of a map, one for each place of the window."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from firelane.compiler.ir.graph import Tensor, Window


def seen(values: np.ndarray, window: Window, result: Tensor, outside: int) -> Iterator[np.ndarray]:
    """What each output pixel sees at each place of the window, rows before columns: kh * kw views (..., H', W').

    Pixels outside the map (..., H, W) read as `outside`; so do those past the padding that ceil mode may ask for.
    """
    yield from views(padded(values, window, result, outside), window, result)


def padded(values: np.ndarray, window: Window, result: Tensor, outside: int) -> np.ndarray:
    """The map with as many pixels around it as the window reaches: (..., H + top + bottom, W + left + right)."""
    (top, bottom), (left, right) = margins(values.shape[-2:], window, result)
    if not (top or left or bottom or right):
        return values
    around = ((0, 0),) * (values.ndim - 2) + ((top, bottom), (left, right))
    return np.pad(values, around, constant_values=outside)


def margins(shape: tuple[int, int], window: Window, result: Tensor) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pixels that `padded` adds to a map of `shape` (H, W): (top, bottom), (left, right)."""
    (kernel_y, kernel_x), (stride_y, stride_x), (top, left, _, _) = window.kernel, window.stride, window.pads
    bottom = max((result.height - 1) * stride_y + kernel_y - shape[0] - top, 0)
    right = max((result.width - 1) * stride_x + kernel_x - shape[1] - left, 0)
    return (top, bottom), (left, right)


def views(values: np.ndarray, window: Window, result: Tensor) -> Iterator[np.ndarray]:
    """The views themselves, of a map with its margins; writing to them writes to the map."""
    (kernel_y, kernel_x), (stride_y, stride_x) = window.kernel, window.stride
    rows, columns = (result.height - 1) * stride_y + 1, (result.width - 1) * stride_x + 1
    for y in range(kernel_y):
        for x in range(kernel_x):
            yield values[..., y:y + rows:stride_y, x:x + columns:stride_x]
