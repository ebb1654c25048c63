"""The range of each activation over a set of images, for static quantization.

Two passes over the images, one image in memory at a time: extremes, then a histogram between them. From the histogram

- `minmax` takes everything,
- `percentile` leaves out the outermost values,
- `mse` takes the range with the least squared error of rounding and clipping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum

import numpy as np
import onnx

from firelane.compiler.onnx_import.reader import label, one_line
from firelane.compiler.quantize.finite import check_values
from firelane.compiler.support.errors import ModelError
from firelane.compiler.support.onnx_runtime import open_session

__all__ = ["METHODS", "Method", "Ranges", "calibrate", "channel_ranges"]

BINS = 2048
LEVELS = 255                           # steps of uint8
PERCENTILE = 99.99
MSE_CANDIDATES = np.linspace(0.2, 1.0, 81)       # shares of the full range that are tried
Ranges = dict[str, tuple[float, float]]


class Method(Enum):
    """How a range follows from a histogram."""

    MINMAX = "minmax"
    PERCENTILE = "percentile"
    MSE = "mse"


METHODS = tuple(method.value for method in Method)


def calibrate(model: onnx.ModelProto, tensors: Sequence[str], images: Sequence[np.ndarray], method: Method,
              progress: Callable[[str, int], None] = lambda stage, done: None) -> Ranges:
    """The range of each of `tensors`, always with 0 inside.

    Parameters
    ----------
    model : a float model
    tensors : names of float tensors in it
    images : float32 (C, H, W) each, values of the model's input
    progress : called with the pass and the number of images done in it

    Raises
    ------
    ModelError
        If ONNX Runtime cannot run it, or a value is not finite.
    """
    activations = _Activations(model, tensors)
    makers = {name: label(node) for node in model.graph.node for name in node.output}
    extremes = dict.fromkeys(tensors, (0.0, 0.0))
    for done, image in enumerate(images, 1):
        for name, values in activations.of(image):
            check_values(makers.get(name, name), values, done - 1)
            low, high = extremes[name]
            extremes[name] = min(low, float(values.min())), max(high, float(values.max()))
        progress("extremes", done)
    if method is Method.MINMAX:
        return extremes
    counts = {name: np.zeros(BINS, np.int64) for name in tensors}
    for done, image in enumerate(images, 1):
        for name, values in activations.of(image):
            counts[name] += np.histogram(values, BINS, extremes[name])[0] if extremes[name] != (0.0, 0.0) else 0
        progress("histograms", done)
    choose = percentile_range if method is Method.PERCENTILE else mse_range
    return {name: choose(counts[name], *extremes[name]) for name in tensors}


def channel_ranges(model: onnx.ModelProto, tensors: Sequence[str], images: Sequence[np.ndarray],
                   progress: Callable[[str, int], None] = lambda stage, done: None) -> dict[str, np.ndarray]:
    """The largest magnitude of each channel of `tensors` over the images: float64 (C,), (1,) of what has no channels.

    Raises
    ------
    ModelError
        As `calibrate` does.
    """
    activations = _Activations(model, tensors)
    makers = {name: label(node) for node in model.graph.node for name in node.output}
    found: dict[str, np.ndarray] = {}
    for done, image in enumerate(images, 1):
        for name, values in activations.of(image):
            check_values(makers.get(name, name), values, done - 1)
            channels = values.shape[1] if values.ndim in (2, 4) and len(values) == 1 else 1
            largest = np.abs(values).reshape(channels, -1).max(axis=1).astype(np.float64)
            found[name] = np.maximum(found.get(name, 0.0), largest)
        progress("channels", done)
    return found


def percentile_range(counts: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """Leaves out (100 - PERCENTILE) % of the values at each end; values of exactly 0 (after ReLU) do not count.

    Parameters
    ----------
    counts : int64 (BINS,), values between `low` and `high`
    """
    counts, edges = counts.copy(), np.linspace(low, high, BINS + 1)
    counts[(edges[:-1] <= 0) & (edges[1:] > 0)] = 0
    total = np.cumsum(counts)
    if total[-1] == 0:
        return low, high
    outside = (100 - PERCENTILE) / 100 * total[-1]
    first, last = np.searchsorted(total, outside, "right"), np.searchsorted(total, total[-1] - outside)
    return min(edges[first], 0.0), max(edges[last + 1], 0.0)


def mse_range(counts: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """The share of the full range with the least squared error, both ends shrunk alike.

    Parameters
    ----------
    counts : int64 (BINS,), values between `low` and `high`
    """
    edges = np.linspace(low, high, BINS + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    errors = []
    for share in MSE_CANDIDATES:
        step = (high - low) * share / LEVELS
        clipped = np.maximum(np.maximum(low * share - centres, centres - high * share), 0)
        errors.append(float(counts @ np.where(clipped > 0, clipped ** 2, step ** 2 / 12)))
    share = MSE_CANDIDATES[len(errors) - 1 - int(np.argmin(errors[::-1]))]
    return low * share, high * share


class _Activations:
    """The values of chosen tensors of a float model."""

    def __init__(self, model: onnx.ModelProto, tensors: Sequence[str]):
        exposed = onnx.ModelProto()
        exposed.CopyFrom(model)
        constants = {tensor.name for tensor in model.graph.initializer}
        self._source = next(value.name for value in model.graph.input if value.name not in constants)
        self._takes_source = self._source in tensors
        self._names = [name for name in tensors if name != self._source]
        present = {value.name for value in exposed.graph.output}
        exposed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in self._names if name not in present)
        with _foreign_errors(model.graph.name):
            self._session = open_session(exposed)

    def of(self, image: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        """Name and values of each tensor, for one image (C, H, W)."""
        if self._takes_source:
            yield self._source, image
        if self._names:
            with _foreign_errors("calibration"):
                values = self._session.run(self._names, {self._source: image[None]})
            yield from zip(self._names, values)


@contextmanager
def _foreign_errors(where: str) -> Iterator[None]:
    """ONNX Runtime's complaints, in one line."""
    try:
        yield
    except Exception as error:                           # it has a class of its own for each kind of failure
        raise ModelError(where or "model", f"ONNX Runtime cannot run it ({one_line(error)})",
                         hint="export the model again") from None
