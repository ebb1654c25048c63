"""Kernel, stride and padding attributes of Conv and the pools (ONNX operator specification)."""

from __future__ import annotations

import numpy as np

from firelane.compiler.ir.graph import Window
from firelane.compiler.ir.verify import window_output
from firelane.compiler.onnx_import.node_view import NodeView


def read_window(view: NodeView, kernel: tuple[int, ...]) -> Window:
    """The window of a node, `auto_pad` still unresolved; also refuses what needs no look at the input.

    `kernel` is that of the weights; empty for a pool, which must have the attribute.
    """
    said = view.integers("kernel_shape", kernel)
    if kernel and said != tuple(kernel):
        raise view.problem(f"kernel_shape {list(said)}, but the weights are {list(kernel)}")
    if len(said) != 2 or min(said) < 1:
        raise view.problem(f"kernel {list(said)}", "two positive sizes are needed")
    dilations = read_dilations(view)
    if not kernel and dilations != (1, 1):
        raise view.problem(f"dilations {list(dilations)}", "only 1 is possible in a pool")
    said = dilated(said, dilations)
    strides, pads = view.integers("strides", (1, 1)), view.integers("pads", (0, 0, 0, 0))
    if len(strides) != 2 or min(strides) < 1:
        raise view.problem(f"strides {list(strides)}", "two positive numbers are needed")
    if len(pads) != 4 or min(pads) < 0 or max(pads) > 255:
        raise view.problem(f"pads {list(pads)}", "four numbers of 0 to 255 are needed")
    return Window(said, strides, pads)


def read_dilations(view: NodeView) -> tuple[int, int]:
    """Distances of the rows and of the columns of a kernel; 1 is dense."""
    said = view.integers("dilations", (1, 1))
    if len(said) != 2 or not all(1 <= step <= 255 for step in said):
        raise view.problem(f"dilations {list(said)}", "two numbers of 1 to 255 are possible")
    return said[0], said[1]


def dilated(kernel: tuple[int, ...], dilations: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the dense kernel that a dilated one is, zeros between its places."""
    return (kernel[0] - 1) * dilations[0] + 1, (kernel[1] - 1) * dilations[1] + 1


def dense(weights: np.ndarray, dilations: tuple[int, int]) -> np.ndarray:
    """The weights (O, I, rows, columns) of a dilated kernel as those of the dense one."""
    spread = np.zeros((*weights.shape[:2], *dilated(weights.shape[2:], dilations)), weights.dtype)
    spread[:, :, ::dilations[0], ::dilations[1]] = weights
    return spread


def resolve_window(view: NodeView, window: Window, height: int, width: int) -> tuple[Window, tuple[int, int]]:
    """The window with its padding resolved for a map of that size, and (rows, columns) of the result."""
    padding = view.text("auto_pad", "NOTSET")
    if padding in ("SAME_UPPER", "SAME_LOWER"):
        pairs = [_same(size, kernel, stride, padding == "SAME_LOWER")
                 for size, kernel, stride in zip((height, width), window.kernel, window.stride)]
        (top, bottom), (left, right) = pairs
        window = Window(window.kernel, window.stride, (top, left, bottom, right))
    elif padding == "VALID":
        window = Window(window.kernel, window.stride)
    elif padding != "NOTSET":
        raise view.problem(f"auto_pad {padding}", "NOTSET, SAME_UPPER, SAME_LOWER and VALID are possible")
    sizes = (window_output(height, window.kernel[0], window.stride[0], window.pads[0] + window.pads[2]),
             window_output(width, window.kernel[1], window.stride[1], window.pads[1] + window.pads[3]))
    if min(sizes) < 1:
        raise view.problem(f"kernel {list(window.kernel)} is larger than its map of {height} x {width} with padding")
    return window, sizes


def ceil_sizes(window: Window, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of a pool's result in ceil mode: also windows that pass the padded end, if they begin before it.

    (A window may not begin in the padding of the second side: ONNX since opset 19, ONNX Runtime always.)
    """
    def windows(axis: int, size: int) -> int:
        padded, stride = size + window.pads[axis] + window.pads[axis + 2], window.stride[axis]
        count = -(-(padded - window.kernel[axis]) // stride) + 1
        return count - ((count - 1) * stride >= padded - window.pads[axis + 2])
    return windows(0, height), windows(1, width)


def _same(size: int, kernel: int, stride: int, lower: bool) -> tuple[int, int]:
    """Padding before and after, for ceil(size / stride) windows; the odd one goes after, or before if `lower`."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    less, more = total // 2, total - total // 2
    return (more, less) if lower else (less, more)
