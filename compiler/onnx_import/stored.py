"""Operators that read stored integers with no DequantizeLinear before them, as TFLite and PyTorch FX write them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from onnx import TensorProto

from firelane.compiler.ir.graph import PIXEL_MAX, Rescale
from firelane.compiler.ir.quantization import rescale_requantize
from firelane.compiler.onnx_import.node_view import INT8_OFFSET, NodeView
from firelane.compiler.onnx_import.reader import type_name
from firelane.compiler.onnx_import.values import (
    AnyConstant,
    Hosted,
    Known,
    Lazy,
    Map,
    Quantization,
    Real,
    Selected,
    Stored,
    Target,
    Value,
)

EIGHT_BITS: dict[int, bool] = {TensorProto.UINT8: False, TensorProto.INT8: True}       # signed


def cast(view: NodeView) -> Value:
    """Cast to the type that a value has; of stored pixels to float, which is DequantizeLinear with a scale of 1."""
    value = view.any_value(0)
    if isinstance(value, Selected):
        return replace(value, whole=_cast(view, value.whole))
    if isinstance(value, AnyConstant | Hosted):
        raise view.problem("works on constants, or on what is left to the host",
                           "store constants in the type that is read")
    return _cast(view, value)


def _cast(view: NodeView, value: Map) -> Map:
    kind = view.integer("to", 0)
    if not isinstance(value, Stored):
        if kind != TensorProto.FLOAT:
            raise view.problem(f"to {type_name(kind)} of real values", "float32 is possible")
        return value
    if kind == TensorProto.FLOAT:
        return view.dequantize(value, Quantization(1.0, INT8_OFFSET if value.signed else 0))
    if EIGHT_BITS.get(kind) is not value.signed:
        has = "int8" if value.signed else "uint8"
        raise view.problem(f"to {type_name(kind)} of stored {has}", f"to {has} or float32 is possible")
    return value


def clamped(view: NodeView, value: Stored, low: float, high: float) -> Stored:
    """Stored values clamped to the integers `low` and `high` of their own type."""
    if value.tensor is None:
        raise view.problem("clamps the raw input", "dequantize the input first")
    offset = INT8_OFFSET if value.signed else 0
    bounds = [int(min(max(bound + offset, 0), PIXEL_MAX)) for bound in (low, high)]
    source = value.tensor
    target = Target(view.output, Quantization(source.scale, source.zero_point), *bounds)
    requantize = view.exact(rescale_requantize, source.scale, source.zero_point, source.scale, **target.integers)
    tensor = view.builder.tensor(target, source.shape)
    node = Rescale(view.name, (source.name,), tensor.name, requantize)
    return Stored(value.dims, value.shape, view.builder.add(node, tensor), value.signed, value.last)


def concat(view: NodeView, values: list[Known], join: Callable[[list[Real]], Real | Lazy]) -> Stored:
    """Stored values one after the other: all of one scale, zero point and type."""
    parts = [value for value in values if isinstance(value, Stored)]
    reals = [Real(part.dims, part.shape, part.tensor, part.last) for part in parts if part.tensor is not None]
    if len(reals) != len(values) or len({part.signed for part in parts}) != 1:
        raise view.problem("joins stored integers with something else", "parts of one type are possible")
    if len({(real.tensor.scale, real.tensor.zero_point) for real in reals}) != 1:
        raise view.problem("joins stored integers of different scales or zero points",
                           "dequantize each part before, and quantize the whole after it")
    whole = join(reals)
    assert isinstance(whole, Real), "parts of one quantization are joined as they are"
    return Stored(whole.dims, whole.shape, whole.tensor, parts[0].signed, whole.last)
