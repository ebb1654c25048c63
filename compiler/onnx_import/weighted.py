"""Operators with weights: Conv, Gemm and MatMul, all of which become a convolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firelane.compiler.ir.graph import WEIGHT_MAX, WEIGHT_MIN, Conv, Tensor, Window
from firelane.compiler.ir.quantization import conv_requantize
from firelane.compiler.onnx_import.node_view import NodeView
from firelane.compiler.onnx_import.values import AnyConstant, Constant, Dequantized, Known, Lazy, Real, Target, Value
from firelane.compiler.onnx_import.windows import dense, dilated, read_dilations, read_window, resolve_window

TAPS_MAX = 64                          # places of a kernel
SPREAD_MAX = 1 << 10                   # of a dilated one, zeros included
FLAT_SIDE_MAX = 4                      # rows, columns of a map that is flattened before a fully connected layer
BIAS_ERROR_MAX = 0.5                   # steps of the output that the rounding of a bias may change
BIAS_SCALE_TOLERANCE = 1e-4            # relative; within it an int32 bias counts as in steps of scale_x * scale_w


@dataclass(frozen=True, eq=False)
class Weights:
    """int8 OIHW and the scale (O,) of each output channel."""

    integers: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True, eq=False)
class Bias:
    """int64 (O,) in steps of scale_x * scale_w, and how far that is from the real bias of each channel at most."""

    integers: np.ndarray
    error: np.ndarray

    def __add__(self, other: Bias) -> Bias:
        return Bias(self.integers + other.integers, self.error + other.error)


def conv(view: NodeView) -> Value:
    """ONNX Conv between DequantizeLinear and QuantizeLinear."""
    weights = spread(view, read_weights(view, 1))
    window = conv_window(view, weights)
    bias = view.value(2) if view.has(2) else None
    return convolution(view, view.dequantized(0), weights, bias, window)


def spread(view: NodeView, weights: Weights) -> Weights:
    """The weights of a dilated convolution as a larger kernel: a weight of zero costs the engine nothing."""
    steps, integers = read_dilations(view), weights.integers
    if steps == (1, 1) or integers.ndim != 4:
        return weights
    rows, columns = dilated(integers.shape[2:], steps)
    if rows * columns > SPREAD_MAX:
        raise view.problem(f"dilations {list(steps)} make a kernel of {rows} x {columns}",
                           f"at most {SPREAD_MAX} places are possible")
    return Weights(dense(integers, steps), weights.scale)


def conv_window(view: NodeView, weights: Weights) -> Window:
    """The window of a convolution; `auto_pad` still unresolved."""
    kernel = weights.integers.shape[2:]
    if len(kernel) != 2:
        raise view.problem(f"weights of shape {list(weights.integers.shape)}", "2-D convolutions are possible")
    steps = read_dilations(view)
    taken = tuple((size - 1) // step + 1 for size, step in zip(kernel, steps))
    if taken[0] * taken[1] > TAPS_MAX:
        raise view.problem(f"kernel {list(taken)}", f"at most {TAPS_MAX} places are possible")
    return read_window(view, taken)


def convolution(view: NodeView, source: Real, weights: Weights, bias: Known | None, window: Window) -> Lazy:
    """A convolution of `source`, its padding resolved and its shapes checked."""
    channels, height, width = view.require_map(source)
    groups, (channels_out, per_group) = view.integer("group", 1), weights.integers.shape[:2]
    if groups < 1 or per_group * groups != channels or channels_out % groups:
        raise view.problem(f"weights of shape {list(weights.integers.shape)} in {groups} groups do not fit "
                           f"{channels} input channels")
    window, sizes = resolve_window(view, window, height, width)
    dims = (channels_out, *sizes)
    return _lazy(view, source.tensor, weights, read_bias(view, bias, source, weights), window, groups, dims,
                 (1, *dims))


def _lazy(view: NodeView, source: Tensor, weights: Weights, bias: Bias, window: Window, groups: int,
          dims: tuple[int, int, int], shape: tuple[int, ...]) -> Lazy:
    """The lazy value of a convolution."""

    def emit(target: Target) -> Tensor:
        worst = float(np.max(bias.error, initial=0.0)) / target.quantization.scale
        if worst > BIAS_ERROR_MAX:
            raise view.problem(f"its bias is not a multiple of scale_x * scale_w, the accumulator's step: the result "
                               f"would be wrong by {worst:.3g} steps", f"at most {BIAS_ERROR_MAX} are possible; "
                               "quantize the bias to int32 with that scale")
        scales = source.scale * weights.scale / target.quantization.scale
        weight, requantize = view.exact(conv_requantize, weights.integers, bias.integers, scales, source.zero_point,
                                        **target.integers)
        tensor = view.builder.tensor(target, dims)
        node = Conv(view.name, (source.name,), tensor.name, weight, window, groups, requantize)
        return view.builder.add(node, tensor)

    def with_bias(more: np.ndarray) -> Lazy:
        return _lazy(view, source, weights, bias + _steps(view, more, source.scale * weights.scale), window, groups,
                     dims, shape)

    def scaled(factors: np.ndarray) -> Lazy:
        signs = np.where(factors < 0, -1, 1)
        integers = weights.integers.astype(np.int64) * signs.reshape(-1, *[1] * (weights.integers.ndim - 1))
        if integers.max(initial=0) > WEIGHT_MAX:
            raise view.problem("weights of -128 times a slope below 0", "quantize the result of the convolution, or "
                               "weights to -127 .. 127")
        sizes = np.abs(factors)
        return _lazy(view, source, Weights(integers.astype(np.int8), weights.scale * sizes),
                     Bias(bias.integers * signs, bias.error * sizes), window, groups, dims, shape)

    return Lazy(dims, shape, emit, with_bias=with_bias, scaled=scaled)


def gemm(view: NodeView) -> Value:
    """ONNX Gemm: y = alpha * x @ w + beta * c, x of shape (1, K)."""
    if view.integer("transA", 0) or (view.number("alpha", 1.0), view.number("beta", 1.0)) != (1.0, 1.0):
        raise view.problem("transA, alpha or beta is set", "only y = x @ w + c is possible")
    weight = _weight_constant(view, 1)
    bias = view.value(2) if view.has(2) else None
    return fully_connected(view, view.dequantized(0), weight, view.integer("transB", 0) != 0, bias)


def matmul(view: NodeView) -> Value:
    """ONNX MatMul of (1, K) with constant (K, N)."""
    return fully_connected(view, view.dequantized(0), _weight_constant(view, 1), False, None)


def fully_connected(view: NodeView, source: Real, weight: Dequantized, transposed: bool,
                    given_bias: Known | None) -> Lazy:
    """A matrix (K, N), or (N, K) if `transposed`, as a convolution with a kernel of the size of the map."""
    channels, height, width = source.dims
    if len(source.shape) != 2 or source.shape[0] != 1 or weight.integers.ndim != 2:
        raise view.problem(f"shapes {list(source.shape)} and {list(weight.integers.shape)}",
                           "a flat vector times a matrix is possible")
    inputs, outputs = weight.integers.shape[::-1] if transposed else weight.integers.shape
    if inputs != source.shape[1]:
        raise view.problem(f"{inputs} rows of weights for {source.shape[1]} inputs")
    if max(height, width) > FLAT_SIDE_MAX:
        raise view.problem(f"a map of {height} x {width} is flattened before a fully connected layer",
                           f"at most {FLAT_SIDE_MAX} x {FLAT_SIDE_MAX} is possible; put a GlobalAveragePool, or a pool "
                           "that makes the map smaller, before it")
    integers = weight.integers if transposed else weight.integers.T
    if source.last:
        kernel = integers.reshape(outputs, height, width, channels).transpose(0, 3, 1, 2)
    else:
        kernel = integers.reshape(outputs, channels, height, width)
    weights = as_weights(view, Dequantized(kernel, weight.scale, 0 if transposed == (weight.axis == 0) else 1))
    dims = (outputs, 1, 1)
    bias = read_bias(view, _for_each(given_bias, outputs), source, weights)
    return _lazy(view, source.tensor, weights, bias, Window((height, width)), 1, dims, (1, outputs))


def _for_each(bias: Known | None, count: int) -> Known | None:
    """The bias of a Gemm, which may be one number for all outputs."""
    if not isinstance(bias, AnyConstant) or bias.shape not in ((), (1,), (1, 1)):
        return bias
    if isinstance(bias, Constant):
        return Constant(np.full(count, bias.array.ravel()[0]))
    return Dequantized(np.full(count, bias.integers.item()), bias.scale)


def read_weights(view: NodeView, index: int) -> Weights:
    """The weights of a Conv."""
    return as_weights(view, _weight_constant(view, index))


def _weight_constant(view: NodeView, index: int) -> Dequantized:
    value = view.value(index)
    if not isinstance(value, AnyConstant):
        raise view.problem("its weights are not constant", "only constant weights are possible")
    if isinstance(value, Constant):
        raise view.problem("its weights are not quantized",
                           "quantize them to int8 (DequantizeLinear of an initializer)")
    return value


def as_weights(view: NodeView, value: Dequantized) -> Weights:
    """int8 OIHW from a dequantized constant."""
    integers = value.integers
    if integers.ndim < 3 or integers.size == 0:
        raise view.problem(f"weights of shape {list(integers.shape)}", "(out, in, rows, columns) is needed")
    if value.scale.size > 1 and value.axis != 0:
        raise view.problem("weights have a scale for each input channel", "one for each output channel is possible")
    if integers.min() < WEIGHT_MIN or integers.max() > WEIGHT_MAX:
        worst = integers.max() if integers.max() > WEIGHT_MAX else integers.min()
        raise view.problem(f"a weight is {worst} after its zero point is taken off", "quantize weights to int8 with "
                           "zero point 0 (WeightSymmetric)")
    return Weights(integers.astype(np.int8), np.broadcast_to(value.scale, len(integers)))


def read_bias(view: NodeView, bias: Known | None, source: Real, weights: Weights) -> Bias:
    """The int32 values where scale_x * scale_w is their scale, else the nearest."""
    channels = len(weights.integers)
    if bias is None:
        return Bias(np.zeros(channels, np.int64), np.zeros(channels))
    if not isinstance(bias, AnyConstant):
        raise view.problem("its bias is not constant", "only a constant bias is possible")
    if int(np.prod(bias.shape)) != channels:
        raise view.problem(f"a bias of shape {list(bias.shape)} for {channels} output channels")
    steps = source.tensor.scale * weights.scale
    if isinstance(bias, Dequantized) and np.allclose(bias.scale, steps, rtol=BIAS_SCALE_TOLERANCE, atol=0):
        return Bias(bias.integers.reshape(-1).astype(np.int64), np.zeros(channels))
    if isinstance(bias, Constant) and bias.array.dtype.kind != "f":
        raise view.problem(f"its bias is {bias.array.dtype} without a scale", "dequantize it")
    return _steps(view, bias.real().reshape(-1), steps)


def _steps(view: NodeView, bias: np.ndarray, steps: np.ndarray) -> Bias:
    """Real biases as the nearest whole numbers of steps; wrong by half a step of the accumulator at most."""
    whole = np.rint(np.broadcast_to(bias, steps.shape) / steps)
    if not np.all(np.isfinite(whole) & (np.abs(whole) < 2.0 ** 62)):
        raise view.problem("its bias is not finite, or too large for its weights' scale", "export the model again")
    return Bias(whole.astype(np.int64), np.abs(whole * steps - bias))
