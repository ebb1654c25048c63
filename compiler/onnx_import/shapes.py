"""Operators that move no value: Identity, Dropout, Flatten, Reshape, ..."""

from __future__ import annotations

import math

from firelane.compiler.onnx_import import selection
from firelane.compiler.onnx_import.constants import reshaped
from firelane.compiler.onnx_import.layout import in_shape
from firelane.compiler.onnx_import.node_view import NodeView
from firelane.compiler.onnx_import.values import AnyConstant, Hosted, Known, Selected, Value


def identity(view: NodeView) -> Value:
    """The input itself (Identity, Dropout)."""
    if view.node.op_type == "Dropout" and len(view.node.output) > 1 and view.node.output[1] in view.builder.read:
        raise view.problem("its mask is used", "export the model for inference")
    return view.any_value(0)


def flatten(view: NodeView) -> Value:
    """Flatten(axis = 1): (1, C, H, W) -> (1, C * H * W)."""
    value, axis = view.any_value(0), view.integer("axis", 1)
    if axis % max(len(value.shape), 1) > 1:
        raise view.problem(f"axis {axis}", "axis 1 is possible")
    return _with_shape(view, value, (1, math.prod(value.shape)))


def reshape(view: NodeView) -> Value:
    """Reshape to a constant shape with a batch of 1."""
    value = view.any_value(0)
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
    """Takes off dimensions of size 1; the axes are an attribute before opset 13, then an input."""
    value = view.any_value(0)
    axes = _axes(view, len(value.shape)) or [axis for axis, size in enumerate(value.shape) if size == 1]
    if any(axis >= len(value.shape) or value.shape[axis] != 1 for axis in axes):
        raise view.problem(f"axes {sorted(axes)} of shape {list(value.shape)}", "only sizes of 1 can go")
    return _with_shape(view, value, tuple(size for axis, size in enumerate(value.shape) if axis not in axes))


def unsqueeze(view: NodeView) -> Value:
    """Puts in dimensions of size 1."""
    value = view.any_value(0)
    shape, count = list(value.shape), len(_axes(view, 0))
    for axis in sorted(_axes(view, len(value.shape) + count)):
        shape.insert(axis, 1)
    return _with_shape(view, value, tuple(shape))


def _axes(view: NodeView, rank: int) -> set[int]:
    """The axes as they are said, or counted from the front where `rank` is given."""
    axes = view.integers("axes", ())
    if view.has(1):
        axes = tuple(int(axis) for axis in view.constant(1, "the list of axes").ravel())
    return {axis % rank if rank else axis for axis in axes}


def _with_shape(view: NodeView, value: Known | Selected | Hosted, shape: tuple[int, ...]) -> Value:
    if isinstance(value, AnyConstant):
        return reshaped(view, value, shape)
    if isinstance(value, Selected):
        found = selection.reshaped(view, value, shape)
        if found is not None:
            return found
        value = view.written(value)
    return in_shape(view, value, shape)
