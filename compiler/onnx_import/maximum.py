"""The larger of two maps, and what is made of it: LeakyReLU and PReLU.

A slope a of at most 1 gives max(x, a x), also one below 0. Rounding is monotone, so the maximum of both sides, each
rounded as the whole will be, is the whole as exact as the sides are. What it costs, beside the layer that makes x, is a
layer of one tap a channel for a x, one for x where the scale changes, and the maximum. Where nothing has rounded x yet,
the convolution that makes it is computed twice.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from firelane.compiler.ir.graph import Maximum, Tensor
from firelane.compiler.onnx_import import stored
from firelane.compiler.onnx_import.channel_scale import channel_scale, per_channel
from firelane.compiler.onnx_import.node_view import NodeView
from firelane.compiler.onnx_import.operators import clamped, part_of
from firelane.compiler.onnx_import.values import AnyConstant, Lazy, Real, Stored, Target, Value


def leaky_relu(view: NodeView) -> Value:
    """ONNX LeakyRelu: x, or alpha times x below 0."""
    value = _source(view, 0)
    return leaky(view, value, np.full(value.dims[0], view.number("alpha", 0.01)))


def prelu(view: NodeView) -> Value:
    """ONNX PRelu: x, or below 0 times a slope, one for the map or one for each channel."""
    slopes = view.value(1)
    if not isinstance(slopes, AnyConstant):
        raise view.problem("its slopes are not constant", "constants are possible")
    value = _source(view, 0)
    return leaky(view, value, per_channel(view, value, slopes))


def largest(view: NodeView) -> Value:
    """ONNX Max of two maps, or of a map and a number."""
    return _beside_number(view, -1) or larger(view, *_two(view))


def smallest(view: NodeView) -> Value:
    """ONNX Min of a map and a number."""
    found = _beside_number(view, 1)
    if found is None:
        raise view.problem("the smaller of two maps", "a map and a number are possible")
    return found


def leaky(view: NodeView, value: Real | Lazy, slopes: np.ndarray) -> Lazy:
    """max(x, slopes[c] * x); float64 (C,)."""
    if slopes.max() > 1:
        channel = int(np.argmax(slopes))
        raise view.problem(f"slope {slopes[channel]:.6g} of channel {channel}", "at most 1 is possible: clip slopes "
                           "when the network is trained, or train with ReLU")
    if not slopes.any():
        return clamped(view, 0.0, math.inf)
    if isinstance(value, Real):
        return larger(view, value, channel_scale(view.part_named("slope"), value, slopes, None))
    assert value.scaled is not None, "the caller has looked"
    return larger(view, value, value.scaled(slopes))


def larger(view: NodeView, a: Real | Lazy, b: Real | Lazy) -> Lazy:
    """The larger of two maps of one shape: each is rounded as the result will be."""
    if a.shape != b.shape or a.last != b.last or a.dims != b.dims:
        raise view.problem(f"compares shapes {list(a.shape)} and {list(b.shape)}", "equal shapes are possible")

    def emit(target: Target) -> Tensor:
        parts = [part_of(view, side, replace(target, name=f"{target.name}/side{number}"))
                 for number, side in enumerate((a, b))]
        tensor = view.builder.tensor(target, a.dims)
        return view.builder.add(Maximum(view.name, (parts[0].name, parts[1].name), tensor.name), tensor)

    return Lazy(a.dims, a.shape, emit, last=a.last, depth=view.deeper(a, b))


def _source(view: NodeView, index: int) -> Real | Lazy:
    """A quantized map, or a convolution's result that nothing has rounded or clamped yet."""
    value = view.value(index)
    fresh = isinstance(value, Lazy) and value.scaled is not None and (value.low, value.high) == (-math.inf, math.inf)
    return value if isinstance(value, Lazy) and fresh else view.dequantized(index)


def _two(view: NodeView) -> tuple[Real | Lazy, Real | Lazy]:
    if len(view.node.input) != 2:
        raise view.problem(f"the largest of {len(view.node.input)} maps", "two are possible")
    return view.real_map(0), view.real_map(1)


def _beside_number(view: NodeView, sign: int) -> Value | None:
    """The map clamped, where the other operand is a number; `sign` is 1 for a bound from above, -1 from below."""
    values = [view.value(index) for index in range(len(view.node.input))]
    constants = [value for value in values if isinstance(value, AnyConstant)]
    if len(values) != 2 or len(constants) != 1 or math.prod(constants[0].shape) != 1:
        return None
    index, bound = int(values[0] is constants[0]), float(constants[0].real().item())
    low, high = (bound, math.inf) if sign < 0 else (-math.inf, bound)
    value = values[index]
    if isinstance(value, Stored):
        return stored.clamped(view, value, low, high)
    return clamped(view, low, high, index)
