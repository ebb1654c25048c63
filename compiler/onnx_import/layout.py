"""Operators that put the dimensions of a map in another order: TensorFlow has channels last.

No value moves: the engine takes and keeps pixels as it does, and a value only remembers that its dimensions are
(1, rows, columns, channels). What computes with rows and columns wants channels first.
"""

from __future__ import annotations

import math
from dataclasses import replace

from firelane.compiler.onnx_import import selection
from firelane.compiler.onnx_import.constants import transposed
from firelane.compiler.onnx_import.node_view import NodeView
from firelane.compiler.onnx_import.reader import TO_FIRST
from firelane.compiler.onnx_import.values import Constant, Dequantized, Hosted, Map, Selected, Value

TO_LAST = (0, 2, 3, 1)


def transpose(view: NodeView) -> Value:
    """Transpose between channels first and channels last; of weights, any."""
    value = view.any_value(0)
    if isinstance(value, Constant):
        raise view.problem("its constant cannot be computed", "store the result")
    if isinstance(value, Dequantized):
        return transposed(view, value)
    if isinstance(value, Hosted):
        raise view.problem("works on what is left to the host", "it is possible only at the end of the network")
    if isinstance(value, Selected):
        return _of_channels(view, value)
    rank = len(value.shape)
    order = view.integers("perm", tuple(reversed(range(rank))))
    shape = tuple(value.shape[axis] for axis in order) if sorted(order) == list(range(rank)) else ()
    if [axis for axis in order if value.shape[axis] > 1] == [axis for axis in range(rank) if value.shape[axis] > 1]:
        alike = rank == 4 and shape == _last(value) != _first(value)   # sizes of 1 moved, no value did
        return _in_shape(value, shape, alike if _either(value) else value.last)
    if rank != 4 or order != (TO_FIRST if value.last else TO_LAST) or shape not in (_first(value), _last(value)):
        return _of_channels(view, value)
    return _in_shape(value, shape, not value.last)


def _of_channels(view: NodeView, value: Map | Selected) -> Value:
    """A Transpose that puts channels in another order."""
    order = view.integers("perm", tuple(reversed(range(len(value.shape)))))
    found = selection.transposed(view, value, order)
    if found is None:
        raise view.problem(f"perm {list(order)} of a feature map of shape {list(value.shape)}",
                           f"export with (1, channels, rows, columns) throughout; {list(TO_FIRST)} of a map with "
                           f"channels last and {list(TO_LAST)} of one with channels first are possible")
    return found


def in_shape(view: NodeView, value: Map | Hosted, shape: tuple[int, ...]) -> Value:
    """A map with other dimensions in which every pixel stays where it is; a flat vector is always possible."""
    if isinstance(value, Hosted):
        return replace(value, shape=shape)
    if len(shape) != 4:
        return replace(value, shape=shape)
    either = _either(value)
    if shape == _first(value) and (either or not value.last):
        return _in_shape(value, shape, False)
    if shape == _last(value) and (either or value.last):
        return _in_shape(value, shape, True)
    found = selection.reshaped(view, value, shape)
    if found is not None:
        return found
    raise view.problem(f"makes shape {list(shape)} of a map of {' x '.join(map(str, value.dims))} "
                       "(channels, rows, columns): pixels would move",
                       "the map's own four dimensions, or a flat vector, are possible")


def _either(value: Map) -> bool:
    """Whether channels first and channels last are one order of values."""
    return value.dims[0] == 1 or math.prod(value.dims[1:]) == 1


def _first(value: Map) -> tuple[int, ...]:
    return (1, *value.dims)


def _last(value: Map) -> tuple[int, ...]:
    return (1, *value.dims[1:], value.dims[0])


def _in_shape(value: Map, shape: tuple[int, ...], last: bool) -> Map:
    return replace(value, shape=shape, last=last)
