"""A map times a constant, and a map plus a constant: one number for the whole map, or one for each channel."""

from __future__ import annotations

import math

import numpy as np

from firelane.compiler.ir.graph import ChannelScale, Tensor
from firelane.compiler.ir.quantization import channel_scale_requantize
from firelane.compiler.onnx_import.node_view import NodeView
from firelane.compiler.onnx_import.values import AnyConstant, Constant, FloatInput, Lazy, Real, Target, Value


def mul(view: NodeView) -> Value:
    """ONNX Mul of a map and a constant, in either order."""
    for index in (0, 1):
        value = view.value(index)
        if isinstance(value, AnyConstant):
            return times_constant(view, quantized(view, 1 - index), value)
    raise view.problem("multiplies two maps", "a map times a constant is possible")


def div(view: NodeView) -> Value:
    """ONNX Div of a map by a constant."""
    constant = view.value(1)
    if not isinstance(constant, AnyConstant) or not np.all(constant.real()):
        raise view.problem("divides by a map, or by 0", "a map divided by a constant is possible")
    return times_constant(view, quantized(view, 0), Constant(1 / constant.real()))


def sub(view: NodeView) -> Value:
    """ONNX Sub of a constant from a map, or of a map from a constant."""
    first, second = view.value(0), view.value(1)
    if isinstance(second, AnyConstant):
        source = first if isinstance(first, Lazy) and first.with_bias is not None else quantized(view, 0)
        return plus_constant(view, source, Constant(-second.real()))
    if isinstance(first, AnyConstant):
        taken = quantized(view, 1)
        numbers = per_channel(view, taken, first)
        return channel_scale(view, taken, -np.ones(len(numbers)), numbers)
    raise view.problem("subtracts two maps", "a map minus a constant, or a constant minus a map, is possible")


def quantized(view: NodeView, index: int) -> Real:
    """A quantized map; arithmetic before the first QuantizeLinear is a part of how pixels come in."""
    if isinstance(view.value(index), FloatInput):
        raise view.problem("normalises the input before it is quantized", "take it out of the model and give --mean "
                           "and --scale, or quantize the float model with firelane quantize, which folds it")
    return view.dequantized(index)


def times_constant(view: NodeView, source: Real, constant: AnyConstant) -> Lazy:
    """`source` times `constant`."""
    return channel_scale(view, source, per_channel(view, source, constant), None)


def plus_constant(view: NodeView, value: Real | Lazy, constant: AnyConstant) -> Lazy:
    """`value` plus `constant`, which joins the bias of whatever computes a lazy one."""
    numbers = per_channel(view, value, constant)
    if isinstance(value, Lazy):
        assert value.with_bias is not None, "the caller has looked"
        return value.with_bias(numbers)
    return channel_scale(view, value, np.ones(len(numbers)), numbers)


def channel_scale(view: NodeView, source: Real, factors: np.ndarray, offsets: np.ndarray | None) -> Lazy:
    """factors[c] * source[c] + offsets[c], for float64 (C,); no `offsets` are zeros."""

    def emit(target: Target) -> Tensor:
        integers, requantize = view.exact(channel_scale_requantize, factors, offsets, source.tensor.scale,
                                          source.tensor.zero_point, target.quantization.scale, **target.integers)
        tensor = view.builder.tensor(target, source.dims)
        node = ChannelScale(view.name, (source.tensor.name,), tensor.name, integers, requantize)
        return view.builder.add(node, tensor)

    def with_bias(more: np.ndarray) -> Lazy:
        return channel_scale(view, source, factors, more if offsets is None else offsets + more)

    return Lazy(source.dims, source.shape, emit, with_bias=with_bias, last=source.last)


def per_channel(view: NodeView, value: Real | Lazy, constant: AnyConstant) -> np.ndarray:
    """The constant as ONNX spreads it over the map, float64 (C,)."""
    channels, shape = value.dims[0], constant.shape
    numbers = constant.real().reshape(-1)
    fitting = {(1, *value.dims): {(channels, 1, 1), (1, channels, 1, 1)}, (1, channels): {(channels,), (1, channels)}}
    if value.last:
        fitting = {value.shape: {(channels,), (1, channels), (1, 1, channels), (1, 1, 1, channels)}}
    one_number = math.prod(shape) == 1 and len(shape) <= len(value.shape)
    if not one_number and shape not in fitting.get(value.shape, ()):
        raise view.problem(f"a constant of shape {list(shape)} for a map of shape {list(value.shape)}",
                           f"one number, or one for each of the {channels} channels, is possible")
    if not np.all(np.isfinite(numbers)):
        raise view.problem("its constant has values that are not finite", "export the model again")
    return np.broadcast_to(numbers, channels)
