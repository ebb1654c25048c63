"""Operators that put channels in another order, or take some: Split, Slice, Gather, and shuffles.

A shuffle is a Reshape that tears channels into groups, a Transpose of these, and a Reshape back. None of them computes
anything, so none becomes a node: a `Selected` value says which channels it stands for, also while it has five
dimensions. Only what computes with it has it written down (`NodeView.written`), as one `Select` of the IR, which
`compiler.passes.fold_select` then puts into the weights of the convolutions around it.

Rounding and clamping commute with it, so it goes through QuantizeLinear and DequantizeLinear as it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, groupby

import numpy as np

from firelane.compiler.ir.limits import SELECTED_MAX
from firelane.compiler.onnx_import.node_view import NodeView
from firelane.compiler.onnx_import.values import (
    AnyConstant,
    Hosted,
    Known,
    Map,
    Quantization,
    Real,
    Selected,
    Stored,
    Value,
)

HINT = "channels of a map, in any order, are possible"


def split(view: NodeView) -> Value | tuple[Value, ...]:
    """Parts of a map, one for each output; the sizes are an attribute before opset 13, then an input."""
    value, rank = _selected(view), len(view.any_value(0).shape)
    axis, count = view.integer("axis", 0), len(view.node.output)
    size = value.shape[axis] if -rank <= axis < rank else 0
    sizes = view.integers("split", ())
    if view.has(1):
        sizes = tuple(int(part) for part in view.constant(1, "the list of sizes").ravel())
    if not sizes:
        most = -(-size // max(view.integer("num_outputs", count), 1))
        sizes = tuple(max(min(most, size - most * index), 0) for index in range(count))
    if sum(sizes) == size and min(sizes) == 0:
        raise view.problem(f"a part of no channels: {list(sizes)}", "leave that part out")
    if len(sizes) != count or sum(sizes) != size or min(sizes) < 1:
        raise view.problem(f"parts of {list(sizes)} of axis {axis} of shape {list(value.shape)}",
                           "parts that make up the whole are possible")
    return tuple(_chosen(view, value, {axis: np.arange(end - part, end)}, name)
                 for part, end, name in zip(sizes, accumulate(sizes), view.node.output))


def take_slice(view: NodeView) -> Value:
    """Slice: a part of each axis; starts, ends and axes are attributes before opset 10, then inputs, and steps too."""
    value = _selected(view)
    rank = len(value.shape)
    if view.has(1):
        said = [tuple(int(number) for number in view.constant(index, "a bound").ravel()) if view.has(index) else ()
                for index in (1, 2, 3, 4)]
    else:
        said = [view.integers(name, ()) for name in ("starts", "ends", "axes", "steps")]
    starts, ends, axes, steps = said
    axes, steps = axes or tuple(range(len(starts))), steps or (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or not all(steps) or not all(
            -rank <= axis < rank for axis in axes):
        raise view.problem(f"starts {list(starts)}, ends {list(ends)}, axes {list(axes)}, steps {list(steps)} of shape "
                           f"{list(value.shape)}")
    wanted = {axis: np.arange(value.shape[axis])[start:end:step]
              for axis, start, end, step in zip(axes, starts, ends, steps)}
    return _chosen(view, value, wanted, view.output)


def gather(view: NodeView) -> Value:
    """Gather with constant indices."""
    value = _selected(view)
    indices, axis, rank = view.constant(1, "the list of indices"), view.integer("axis", 0), len(value.shape)
    size = value.shape[axis] if -rank <= axis < rank else 0
    if indices.dtype.kind not in "iu" or indices.size == 0 or indices.min() < -size or indices.max() >= size:
        raise view.problem(f"indices outside axis {axis} of shape {list(value.shape)}")
    return _chosen(view, value, {axis: indices.astype(np.int64) % size}, view.output)


def _selected(view: NodeView) -> Selected:
    """The input, as channels of a map."""
    value = view.any_value(0)
    if isinstance(value, Hosted):
        value = view.value(0)                            # which refuses it
    if isinstance(value, AnyConstant):
        raise view.problem("works on weights behind DequantizeLinear", "store the result")
    found = _as_selected(value, view.node.input[0])
    if found is None:
        raise view.problem(f"input of shape {list(value.shape)}", "a map of four dimensions is needed")
    return found


def _chosen(view: NodeView, value: Selected, wanted: dict[int, np.ndarray], name: str) -> Value:
    """Some indices of some axes; a number in place of a list takes the axis away."""
    rank = len(value.axes)
    channels, axes = value.channels, list(value.axes)
    for axis, indices in sorted(((axis % rank, indices) for axis, indices in wanted.items()), reverse=True):
        if value.axes[axis] == "c":
            place = value.axes[:axis].count("c")
            channels, axes[axis] = np.take(channels, indices, axis=place), "c" * indices.ndim
        elif not np.array_equal(indices, np.arange(value.shape[axis])):
            raise view.problem("takes a part of rows or columns", HINT)
    if channels.size == 0:
        raise view.problem("takes no channel at all", HINT)
    return _made(view, replace(value, channels=channels, axes="".join(axes), name=name))


def reshaped(view: NodeView, value: Map | Selected, shape: tuple[int, ...]) -> Value | None:
    """The value in another shape in which each pixel stays with its channel; None if there is none."""
    source = _as_selected(value, view.node.input[0])
    if source is None:
        return None
    rows, columns = source.whole.dims[1:]
    sizes, axes, rest = iter(source.channels.shape), "", list(shape)
    torn: list[int] = []
    runs = [(kind, len(list(run))) for kind, run in groupby(source.axes, lambda axis: axis == "c")]
    for channels_here, length in runs:
        if not channels_here:
            if rest[:2] == [rows, columns]:
                axes, rest = axes + "rk", rest[2:]
            elif rest[:1] == [rows * columns]:
                axes, rest = axes + "p", rest[1:]
            else:
                return None
            continue
        whole, product = math.prod(next(sizes) for _ in range(length)), 1
        while rest and (product < whole or (rest[0] == 1 and rest[:2] != [rows, columns])):
            product *= rest[0]
            torn.append(rest.pop(0))
            axes += "c"
        if product != whole:
            return None
    if rest:
        return None
    return _made(view, replace(source, channels=source.channels.reshape(torn), axes=axes, name=view.output))


def transposed(view: NodeView, value: Map | Selected, order: Sequence[int]) -> Value | None:
    """The value with its dimensions in another order; None if rows and columns would change places."""
    source = _as_selected(value, view.node.input[0])
    if source is None or sorted(order) != list(range(len(source.axes))):
        return None
    axes = "".join(source.axes[axis] for axis in order)
    if "r" in axes and "rk" not in axes:
        return None
    places = [source.axes[:axis].count("c") for axis in order if source.axes[axis] == "c"]
    return _made(view, replace(source, channels=source.channels.transpose(places), axes=axes, name=view.output))


def joined(view: NodeView, axis: int) -> Value | None:
    """The concatenation of channels of one map, which is a selection again; None if the inputs are anything else."""
    values = [view.any_value(index) for index in range(len(view.node.input))]
    parts = [value for value in values if isinstance(value, Selected)]
    if not parts or len(parts) < len(values) or not all(_of_one(parts[0].whole, part.whole) for part in parts):
        return None
    axes = parts[0].axes
    if not -len(axes) <= axis < len(axes) or axes[axis] != "c" or any(part.axes != axes for part in parts):
        return None
    place = axes[:axis % len(axes)].count("c")
    if len({(*part.channels.shape[:place], *part.channels.shape[place + 1:]) for part in parts}) > 1:
        return None
    channels = np.concatenate([part.channels for part in parts], axis=place)
    return _made(view, replace(parts[0], channels=channels, name=view.output))


def quantized(view: NodeView, value: Selected, quantization: Quantization, signed: bool) -> Selected:
    """The channels of the quantized whole; where that has this quantization already, it is taken as it is."""
    whole = value.whole
    if isinstance(whole, Real) and (whole.tensor.scale, whole.tensor.zero_point) == (quantization.scale,
                                                                                     quantization.zero_point):
        return replace(value, whole=Stored(whole.dims, whole.shape, whole.tensor, signed, whole.last),
                       name=view.output)
    stored = view.quantize(whole, quantization, signed, f"{view.output}/whole")
    return replace(value, whole=stored, name=view.output)


def _of_one(a: Map, b: Map) -> bool:
    """Whether two maps are one."""
    tensors = [value.tensor for value in (a, b) if isinstance(value, Real | Stored)]
    return a is b or (type(a) is type(b) and len(tensors) == 2 and tensors[0] is not None and tensors[0] == tensors[1])


def _as_selected(value: Known | Selected, name: str) -> Selected | None:
    """All channels of a map, by the dimensions that it has; None if they are not to be told apart."""
    if isinstance(value, Selected):
        return value
    assert not isinstance(value, AnyConstant), "callers have looked"
    (count, rows, columns), shape = value.dims, list(value.shape)
    numbers = np.arange(count)
    pixels = [([rows, columns], "rk"), ([rows * columns], "p")]
    if rows * columns == 1:
        axes = "c" * len(shape)
    elif value.last:
        axes = next((f"c{names}{'c' * (len(shape) - 1 - len(sizes))}" for sizes, names in pixels
                     if shape[:1 + len(sizes)] == [1, *sizes]), "")
    else:
        axes = next(("c" * (len(shape) - len(sizes)) + names for sizes, names in pixels
                     if shape[len(shape) - len(sizes):] == sizes), "")
    torn = [size for size, axis in zip(shape, axes) if axis == "c"]
    if not axes or math.prod(torn) != count:
        return None
    return Selected(value, numbers.reshape(torn), axes, name)


def _made(view: NodeView, value: Selected) -> Value:
    """The value itself, or the map that it is channels of where all of them are in their order."""
    view.builder.selected_channels += value.channels.size
    if view.builder.selected_channels > SELECTED_MAX:
        raise view.problem("takes more channels of maps than can be kept", f"{SELECTED_MAX} in all are possible")
    flat = value.channels.reshape(-1)
    if not np.array_equal(flat, np.arange(value.whole.dims[0])):
        return value
    before = [size for size, axis in zip(value.shape, value.axes[:_first_pixel(value.axes)])]
    first = value.axes.lstrip("c") in ("", "rk", "p")
    last = not first and math.prod(before) == 1
    if not (first or last):
        return value
    shape = value.shape
    if first and len(shape) == 4 and shape != (1, *value.dims) and shape == (1, *value.dims[1:], value.dims[0]):
        last = True
    return replace(value.whole, shape=shape, last=last)


def _first_pixel(axes: str) -> int:
    return len(axes) - len(axes.lstrip("c"))
