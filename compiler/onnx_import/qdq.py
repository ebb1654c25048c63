"""QuantizeLinear and DequantizeLinear, on feature maps and on constants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from onnx import TensorProto

from firelane.compiler.onnx_import import heads, selection
from firelane.compiler.onnx_import.node_view import NodeView
from firelane.compiler.onnx_import.reader import is_integer, type_name
from firelane.compiler.onnx_import.values import AnyConstant, Constant, Dequantized, Hosted, Selected, Stored, Value


def quantize_linear(view: NodeView) -> Value:
    """ONNX QuantizeLinear: y = saturate(round_half_even(x / scale) + zero_point)."""
    _refuse_blocks(view)
    value, said = view.any_value(0), _output_type(view)
    if isinstance(value, AnyConstant):
        return _quantize_constant(view, value, said or np.dtype(np.uint8))
    quantization, signed = view.quantization(1, 2, signed=said == np.int8)
    if isinstance(value, Hosted):
        return heads.quantized(view, value, quantization, signed)
    if isinstance(value, Selected):
        return selection.quantized(view, value, quantization, signed)
    return view.quantize(value, quantization, signed)


def dequantize_linear(view: NodeView) -> Value:
    """ONNX DequantizeLinear: y = (x - zero_point) * scale."""
    _refuse_blocks(view)
    given = view.any_value(0)
    if isinstance(given, Hosted):
        return heads.dequantized(view, given)
    if isinstance(given, AnyConstant):
        return dequantize_constant(view, given, 1, 2, view.integer("axis", 1))
    value = given.whole if isinstance(given, Selected) else given
    signed = isinstance(value, Stored) and value.signed
    quantization, zero_point_signed = view.quantization(1, 2, signed=signed)
    if zero_point_signed != signed:
        raise view.problem("int8 and uint8 are mixed: its zero point is not of the type of its input")
    real = view.dequantize(value, quantization)
    return replace(given, whole=real) if isinstance(given, Selected) else real


def dequantize_constant(view: NodeView, value: AnyConstant, scale_index: int, zero_point_index: int,
                        axis: int) -> Dequantized:
    """An integer initializer with one scale, or with one for each index of `axis`."""
    if not isinstance(value, Constant) or not is_integer(value.array.dtype):
        found = value.array.dtype if isinstance(value, Constant) else "dequantized already"
        raise view.problem(f"the constant is {found}", "int4, int8, uint8 and int32 are possible")
    scale, zero_point = view.scale_and_zero_point(scale_index, zero_point_index)
    integers, axis = value.array.astype(np.int64), axis % max(value.array.ndim, 1)
    column = [1] * integers.ndim
    if scale.size > 1:
        if integers.ndim == 0 or scale.size != integers.shape[axis]:
            raise view.problem(f"{scale.size} scales for axis {axis} of shape {list(integers.shape)}")
        column[axis] = -1
    if zero_point is not None:
        if zero_point.size != scale.size:
            raise view.problem(f"{scale.size} scales, but {zero_point.size} zero points")
        integers = integers - zero_point.astype(np.int64).reshape(column)
    return Dequantized(integers, scale.ravel(), axis)


def _output_type(view: NodeView) -> np.dtype | None:
    """What `output_dtype` says, which is the type where there is no zero point; None if it says nothing.

    ONNX's checker has refused one that contradicts the zero point.
    """
    said = view.integer("output_dtype", 0)
    if said == 0:
        return None
    if said not in (TensorProto.INT8, TensorProto.UINT8):
        raise view.problem(f"output_dtype is {type_name(said)}", "int8 and uint8 are possible")
    return np.dtype(np.int8 if said == TensorProto.INT8 else np.uint8)


def _quantize_constant(view: NodeView, value: AnyConstant, kind: np.dtype) -> Constant:
    """A float initializer that the model itself quantizes, to `kind` where no zero point says the type.

    In float32, as ONNX Runtime does.
    """
    if not isinstance(value, Constant) or value.array.dtype != np.float32:
        raise view.problem("the constant is not float32")
    scale, zero_point = view.scale_and_zero_point(1, 2)
    zero_point = np.zeros(scale.size, kind) if zero_point is None else zero_point
    if zero_point.dtype not in (np.int8, np.uint8) or zero_point.size != scale.size:
        raise view.problem(f"zero points {zero_point.dtype} of shape {list(zero_point.shape)}",
                           "int8 or uint8, one for each scale, is possible")
    column, axis = [1] * value.array.ndim, view.integer("axis", 1)
    if scale.size > 1:
        if not -len(column) <= axis < len(column) or value.array.shape[axis] != scale.size:
            raise view.problem(f"{scale.size} scales for axis {axis} of shape {list(value.array.shape)}")
        column[axis] = -1
    limits = np.iinfo(zero_point.dtype)
    steps = np.rint(value.array / scale.astype(np.float32).reshape(column))
    stored = np.clip(steps + zero_point.astype(np.float32).reshape(column), limits.min, limits.max)
    return Constant(stored.astype(zero_point.dtype))


def _refuse_blocks(view: NodeView) -> None:
    if view.integer("block_size", 0):
        raise view.problem("quantized by blocks", "quantize by tensor or by channel")


