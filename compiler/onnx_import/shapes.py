"""Operators that move no value (Identity, Flatten, Reshape, ...), and Softmax, which is left to the host."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import assert_never

import numpy as np

from firelane.compiler.onnx_import.node_view import NodeView
from firelane.compiler.onnx_import.values import (
    Constant,
    Dequantized,
    FloatInput,
    Hosted,
    Known,
    Lazy,
    Real,
    Stored,
    Value,
)


def identity(view: NodeView) -> Value:
    """The input itself (Identity, Dropout)."""
    if view.node.op_type == "Dropout" and len(view.node.output) > 1 and view.node.output[1] in view.builder.read:
        raise view.problem("its mask is used", "export the model for inference")
    return _any(view)


def flatten(view: NodeView) -> Value:
    """Flatten(axis = 1): (1, C, H, W) -> (1, C * H * W)."""
    value, axis = _any(view), view.integer("axis", 1)
    if axis % max(len(value.shape), 1) != 1:
        raise view.problem(f"axis {axis}", "axis 1 is possible")
    return _with_shape(view, value, (1, math.prod(value.shape)))


def reshape(view: NodeView) -> Value:
    """Reshape to a constant shape with a batch of 1."""
    value = _any(view)
    if not view.has(1):
        wanted = view.integers("shape", ())
    else:
        wanted = tuple(int(size) for size in view.constant(1, "the shape").ravel())
    if len(wanted) > 8 or any(size == 0 and index >= len(value.shape) for index, size in enumerate(wanted)):
        raise view.problem(f"shape {list(wanted)}")
    sizes = [value.shape[index] if size == 0 and not view.integer("allowzero", 0) else size
             for index, size in enumerate(wanted)]
    if sizes.count(-1) == 1:
        rest = math.prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = math.prod(value.shape) // rest if rest > 0 else -1
    if math.prod(sizes) != math.prod(value.shape) or any(size < 1 for size in sizes):
        raise view.problem(f"shape {list(wanted)} from {list(value.shape)}", "the number of values must stay")
    return _with_shape(view, value, tuple(sizes))


def squeeze(view: NodeView) -> Value:
    """Takes off dimensions of size 1, the batch excepted; the axes are an attribute before opset 13, then an input."""
    value = _any(view)
    axes = _axes(view, len(value.shape)) or [axis for axis, size in enumerate(value.shape) if size == 1 and axis]
    if any(axis >= len(value.shape) or value.shape[axis] != 1 for axis in axes):
        raise view.problem(f"axes {sorted(axes)} of shape {list(value.shape)}", "only sizes of 1 can go")
    return _with_shape(view, value, tuple(size for axis, size in enumerate(value.shape) if axis not in axes))


def unsqueeze(view: NodeView) -> Value:
    """Puts in dimensions of size 1."""
    value = _any(view)
    shape, added = list(value.shape), _axes(view, len(value.shape) + (len(view.node.input) > 1))
    for axis in sorted(added):
        shape.insert(axis, 1)
    return _with_shape(view, value, tuple(shape))


def softmax(view: NodeView) -> Value:
    """Softmax over the classes, at the end: not computed here; the metadata say so."""
    value = view.value(0)
    if not isinstance(value, Real | Stored):
        raise view.problem("its input is not quantized", "quantize the whole network")
    axis = view.integer("axis", 1 if len(value.shape) == 2 else -1)
    if len(value.shape) > 1 and value.shape[axis % len(value.shape)] != math.prod(value.shape):
        raise view.problem(f"over axis {axis} of shape {list(value.shape)}",
                           "over all classes of one image is possible")
    view.builder.host_operators.append(view.node.op_type)
    return Hosted(value, value.shape, value.dims)


def _axes(view: NodeView, rank: int) -> set[int]:
    axes = view.integers("axes", ())
    if view.has(1):
        axes = tuple(int(axis) for axis in view.constant(1, "the list of axes").ravel())
    return {axis % max(rank, 1) for axis in axes}


def _any(view: NodeView) -> Known | Hosted:
    """The first input; here one that the host makes will do."""
    value = view.values[view.node.input[0]] if view.has(0) else None
    return value if isinstance(value, Hosted) else view.value(0)


def _with_shape(view: NodeView, value: Known | Hosted, shape: tuple[int, ...]) -> Value:
    match value:
        case Constant():
            return Constant(np.reshape(value.array, shape))
        case Dequantized():
            if value.scale.size > 1:
                raise view.problem("reshapes weights that have a scale for each channel", "quantize after the reshape")
            return replace(value, integers=np.reshape(value.integers, shape))
        case FloatInput() | Stored() | Real() | Lazy() | Hosted():
            return replace(value, shape=shape)
        case _:
            assert_never(value)
