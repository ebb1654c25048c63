"""QLinear operators: the same layers with their scales and zero points as inputs.

Each is read as DequantizeLinear, the float operator, QuantizeLinear, which is its definition.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from firelane.compiler.onnx_import.channel_scale import plus_constant, times_constant
from firelane.compiler.onnx_import.maximum import leaky
from firelane.compiler.onnx_import.node_view import NodeView
from firelane.compiler.onnx_import.operators import average, concat_of, global_average, sum_of
from firelane.compiler.onnx_import.qdq import dequantize_constant
from firelane.compiler.onnx_import.values import AnyConstant, Constant, Dequantized, Known, Map, Real, Stored, Value
from firelane.compiler.onnx_import.weighted import (
    Weights,
    as_weights,
    conv_window,
    convolution,
    fully_connected,
    spread,
)
from firelane.compiler.onnx_import.windows import read_window


def qlinear_conv(view: NodeView) -> Value:
    """QLinearConv: x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, bias (int32)."""
    weights = spread(view, as_weights(view, _weights(view, 3, axis=0)))
    window, source = conv_window(view, weights), view.stored_real(0)
    lazy = convolution(view, source, weights, _bias(view, 8, source, weights), window)
    return _quantized(view, lazy, 6)


def qgemm(view: NodeView) -> Value:
    """com.microsoft QGemm: A, a_scale, a_zero_point, B, b_scale, b_zero_point, C, y_scale, y_zero_point."""
    if view.integer("transA", 0) or view.number("alpha", 1.0) != 1.0:
        raise view.problem("transA or alpha is set", "only y = x @ w + c is possible")
    transposed = view.integer("transB", 0) != 0
    matrix, source = _weights(view, 3, axis=0 if transposed else 1), view.stored_real(0)
    bias: Known | None = view.value(6) if view.has(6) else None
    if isinstance(bias, Constant):
        bias = Dequantized(bias.array.astype("int64"), source.tensor.scale * matrix.scale)
    return _quantized(view, fully_connected(view, source, matrix, transposed, bias), 7)


def qlinear_matmul(view: NodeView) -> Value:
    """QLinearMatMul: a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point."""
    return _quantized(view, fully_connected(view, view.stored_real(0), _weights(view, 3, axis=1), False, None), 6)


def qlinear_add(view: NodeView) -> Value:
    """com.microsoft QLinearAdd: A, A_scale, A_zero_point, B, B_scale, B_zero_point, C_scale, C_zero_point."""
    operands = _map_and_constant(view)
    if operands is not None:
        return _quantized(view, plus_constant(view, *operands), 6)
    return _quantized(view, sum_of(view, view.stored_real(0), view.stored_real(3)), 6)


def qlinear_mul(view: NodeView) -> Value:
    """com.microsoft QLinearMul: A, A_scale, A_zero_point, B, B_scale, B_zero_point, C_scale, C_zero_point."""
    operands = _map_and_constant(view)
    if operands is None:
        raise view.problem("multiplies two maps", "a map times a constant is possible")
    return _quantized(view, times_constant(view, *operands), 6)


def qlinear_leaky_relu(view: NodeView) -> Value:
    """com.microsoft QLinearLeakyRelu: X, X_scale, X_zero_point, Y_scale, Y_zero_point."""
    source = view.stored_real(0)
    slopes = np.full(source.dims[0], view.number("alpha", 0.01))
    return _quantized(view, leaky(view, source, slopes), 3)


def qlinear_concat(view: NodeView) -> Value:
    """com.microsoft QLinearConcat: Y_scale, Y_zero_point, then value, scale, zero point of each part."""
    if len(view.node.input) < 5 or len(view.node.input) % 3 != 2:
        raise view.problem(f"{len(view.node.input)} inputs", "two, and three for each part, are needed")
    parts = [view.stored_real(index) for index in range(2, len(view.node.input), 3)]
    quantization, _ = view.quantization(0, 1)
    alike = all((part.tensor.scale, part.tensor.zero_point) == (quantization.scale, quantization.zero_point)
                for part in parts)
    name = view.output if alike else f"{view.output}/joined"        # which is another tensor than what is rescaled
    return _quantized(view, concat_of(view, parts, view.integer("axis", 1), name), 0)


def qlinear_average_pool(view: NodeView) -> Value:
    """com.microsoft QLinearAveragePool: X, x_scale, x_zero_point, y_scale, y_zero_point."""
    _refuse_channels_last(view)
    return _quantized(view, average(view, view.stored_real(0), read_window(view, ())), 3)


def qlinear_global_average_pool(view: NodeView) -> Value:
    """com.microsoft QLinearGlobalAveragePool: X, x_scale, x_zero_point, y_scale, y_zero_point."""
    _refuse_channels_last(view)
    return _quantized(view, global_average(view, view.stored_real(0)), 3)


def _quantized(view: NodeView, value: Map, index: int) -> Stored:
    """The result, quantized with inputs `index` and `index + 1`."""
    return view.quantize(value, *view.quantization(index, index + 1))


def _map_and_constant(view: NodeView) -> tuple[Real, Dequantized] | None:
    """The inputs A and B, dequantized, if one is a map and the other a constant."""
    for index in (0, 3):
        value = view.value(index)
        if isinstance(value, AnyConstant):
            return view.stored_real(3 - index), dequantize_constant(view, value, index + 1, index + 2, axis=1)
    return None


def _weights(view: NodeView, index: int, axis: int) -> Dequantized:
    """Weights at `index`, dequantized with the two inputs that follow."""
    value = view.value(index)
    if not isinstance(value, AnyConstant):
        raise view.problem("its weights are not constant", "only constant weights are possible")
    return dequantize_constant(view, value, index + 1, index + 2, axis)


def _bias(view: NodeView, index: int, source: Real, weights: Weights) -> Dequantized | None:
    """The int32 bias, which is in steps of x_scale * w_scale by definition."""
    if not view.has(index):
        return None
    array = view.constant(index, "the bias")
    if array.dtype.kind not in "iu":
        raise view.problem(f"its bias is {array.dtype}", "int32 is needed")
    return Dequantized(array.astype("int64"), source.tensor.scale * weights.scale)


def _refuse_channels_last(view: NodeView) -> None:
    if view.integer("channels_last", 0):
        raise view.problem("channels_last", "(1, channels, rows, columns) is possible")


QOPERATORS: dict[str, Callable[[NodeView], Value]] = {
    "QLinearConv": qlinear_conv, "QGemm": qgemm, "QLinearMatMul": qlinear_matmul, "QLinearAdd": qlinear_add,
    "QLinearMul": qlinear_mul, "QLinearConcat": qlinear_concat, "QLinearAveragePool": qlinear_average_pool,
    "QLinearLeakyRelu": qlinear_leaky_relu,
    "QLinearGlobalAveragePool": qlinear_global_average_pool,
}
