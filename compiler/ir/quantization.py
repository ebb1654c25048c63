"""The integers of the engine for the real scales of a quantized graph.

A quantized tensor means real = (stored - zero_point) * scale (ONNX DequantizeLinear), and is made by
stored = saturate(round(real / scale) + zero_point) (ONNX QuantizeLinear). Every function here takes such scales as
Python floats (float64) and gives a `Requantize`: a multiplier of 16 bits, a right shift and an integer bias.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from firelane.compiler.ir.graph import MULTIPLIER_BITS, PIXEL_MAX, SHIFT_MAX, SHIFT_MIN, WEIGHT_MAX, Requantize

ADD_FACTORS_MAX = 4                      # int8 factors for each operand of an addition
ADD_TOLERANCE = 1e-5                     # relative error of the ratio of an addition's scales that needs no better
BIAS_MIN, BIAS_MAX = -(1 << 31), (1 << 31) - 1
OFFSET_STEPS_MAX = 1 << 20               # of the accumulator, where a channel's offset is added in finer steps
CONSTANT_REACH = 1 / 16                  # of a step: a sum that cannot move the result further counts as constant
CONSTANT_STEP = 2.0 ** -8                # in steps of the output: of the bias of such a channel


class ScaleError(ValueError):
    """Scales that the integers of the engine cannot express; the message says which and why."""


def multiplier_and_shift(scale: float) -> tuple[int, int]:
    """The integers with multiplier / 2**shift nearest to `scale`, relative error at most 2**-17.

    The multiplier is in [2**15, 2**16) and the shift in [1, 40]. A scale below 2**-25 gives (0, 1).

    Raises
    ------
    ScaleError
        If `scale` is negative, not finite, or not below 2**15.
    """
    if not (math.isfinite(scale) and scale >= 0):
        raise ScaleError(f"requantization scale {scale!r} is not a positive number")
    fraction, exponent = math.frexp(scale)                       # scale = fraction * 2**exponent
    multiplier, shift = round(fraction * (1 << MULTIPLIER_BITS)), MULTIPLIER_BITS - exponent
    if multiplier == 1 << MULTIPLIER_BITS:
        multiplier, shift = multiplier >> 1, shift - 1
    if shift > SHIFT_MAX or multiplier == 0:
        return 0, SHIFT_MIN
    if shift < SHIFT_MIN:
        raise ScaleError(f"requantization scale {scale:.6g} is not below 2**{MULTIPLIER_BITS - SHIFT_MIN}")
    return multiplier, shift


def multipliers_and_shifts(scales: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """`multiplier_and_shift` of each element: two int64 arrays of the length of `scales`."""
    pairs = np.array([multiplier_and_shift(float(scale)) for scale in np.ravel(scales)], np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def quantize(real: float, scale: float, zero_point: int) -> int:
    """The stored value, uint8, of a number by ONNX QuantizeLinear: round half to even, add the zero point, saturate.

    `real` may be infinite (an absent bound of a Clip).
    """
    if math.isinf(real):
        return PIXEL_MAX if real > 0 else 0
    return min(max(round(real / scale) + zero_point, 0), PIXEL_MAX)


def conv_requantize(weight: np.ndarray, bias: np.ndarray, scales: np.ndarray, zero_point_in: int,
                    **output) -> tuple[np.ndarray, Requantize]:
    """Weights and requantization of a convolution (ONNX QLinearConv).

        y - zero_point = scale_x * scale_w[o] / scale_y * (sum w * (x - zero_point_x) + bias[o])

    The engine sums w * x, so -zero_point_x * sum(w) joins the bias.

    Parameters
    ----------
    weight : int8 (O, I, kh, kw)
    bias : int64 (O,), in steps of scale_x * scale_w
    scales : float64 (O,), scale_x * scale_w / scale_y
    output
        `zero_point`, `low`, `high` of the result.

    A channel whose scale has no normal multiplier (below 2**-25) and whose sum cannot move the result by
    `CONSTANT_REACH` becomes a constant: its weights are zeroed, its bias keeps its real value.
    """
    flat = weight.reshape(len(weight), -1).astype(np.int64)
    bias = bias - zero_point_in * flat.sum(axis=1)
    constant = _constant_channels(flat, np.asarray(scales, np.float64))
    if len(constant):
        weight = weight.copy()
        weight[constant] = 0
        bias, scales = bias.copy(), np.array(scales, np.float64)
        bias[constant] = np.rint(bias[constant] * scales[constant] / CONSTANT_STEP)
        scales[constant] = CONSTANT_STEP
    if len(bias) and (bias.min() < BIAS_MIN or bias.max() > BIAS_MAX):
        channel = int(np.argmax(np.abs(bias)))
        raise ScaleError(f"bias {bias[channel]} of output channel {channel} does not fit 32 bits")
    multiplier, shift = multipliers_and_shifts(scales)
    return weight, Requantize(bias=bias, multiplier=multiplier, shift=shift, **output)


def _constant_channels(weights: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """The channels whose `scales` have no normal multiplier; `weights` int64 (O, n).

    Raises
    ------
    ScaleError
        If the sum of such a channel may move the result by more than `CONSTANT_REACH`.
    """
    multiplier, _ = multipliers_and_shifts(scales)
    constant = np.flatnonzero(multiplier == 0)
    reach = np.abs(weights[constant]).sum(axis=1) * PIXEL_MAX * scales[constant]
    if (reach > CONSTANT_REACH).any():
        channel = constant[int(np.argmax(reach > CONSTANT_REACH))]
        raise ScaleError(f"requantization scale {scales[channel]:.3g} of output channel {channel} is below "
                         f"2**-{SHIFT_MAX - MULTIPLIER_BITS + 1}")
    return constant


def average_requantize(count: int, scale_in: float, zero_point_in: int, scale_out: float, **output) -> Requantize:
    """Requantization of the sum of `count` stored values (ONNX AveragePool, GlobalAveragePool, ReduceMean).

        y - zero_point = scale_in / (count * scale_out) * (sum(x) - count * zero_point_in)
    """
    multiplier, shift = multiplier_and_shift(scale_in / (count * scale_out))
    return Requantize.uniform(-count * zero_point_in, multiplier, shift, **output)


def rescale_requantize(scale_in: float, zero_point_in: int, scale_out: float, **output) -> Requantize:
    """Requantization of one stored value: DequantizeLinear with one scale, QuantizeLinear with another."""
    return average_requantize(1, scale_in, zero_point_in, scale_out, **output)


def channel_scale_requantize(factors: np.ndarray, offsets: np.ndarray | None, scale_in: float, zero_point_in: int,
                             scale_out: float, **output) -> tuple[np.ndarray, Requantize]:
    """Integer factors and requantization of one number a channel to multiply with, one to add (ONNX Mul, Add).

        y - zero_point = (factors[c] * scale_in * (x - zero_point_in) + offsets[c]) / scale_out

    The multiplier has the size of a factor, so that a pixel need only be multiplied by its sign, 1 or -1. An offset is
    a whole number of what one step of the pixel is worth; with offsets a pixel counts up to 127 times, which makes
    these steps finer. A channel whose factor cannot move the result by `CONSTANT_REACH` becomes constant.

    Parameters
    ----------
    factors, offsets : float64 (C,), finite; no `offsets` are zeros

    Raises
    ------
    ScaleError
        If an offset would be wrong by more than half a step of the output, or a multiplier is out of range.
    """
    ratios = np.abs(factors) * (scale_in / scale_out)
    moves = ratios * PIXEL_MAX > CONSTANT_REACH
    steps = np.where(moves, ratios, CONSTANT_STEP)                 # of the output, for one step of the pixel
    times = moves.astype(np.int64)
    wanted = np.zeros(len(factors))
    if offsets is not None:
        beyond = (PIXEL_MAX + 1) * (ratios + 1)                  # what is always clipped
        wanted = np.clip(offsets / scale_out, -beyond, beyond) / steps
        times *= np.clip(OFFSET_STEPS_MAX // np.maximum(np.abs(wanted), 1), 1, WEIGHT_MAX).astype(np.int64)
    scales = steps / np.maximum(times, 1)
    if offsets is not None and scales.max() > 1:
        channel = int(np.argmax(scales))
        raise ScaleError(f"factor {factors[channel]:.6g} of channel {channel} makes {ratios[channel]:.3g} steps of the "
                         f"output of one of the input: what is added would be wrong by {scales[channel] / 2:.2g} steps")
    bias = np.rint(wanted * np.maximum(times, 1)).astype(np.int64)
    weight = (np.sign(factors) * times).astype(np.int8).reshape(-1, 1, 1, 1)
    weight, requantize = conv_requantize(weight, bias, scales, zero_point_in, **output)
    return weight.reshape(-1), requantize


def add_requantize(scale_a: float, zero_point_a: int, scale_b: float, zero_point_b: int, scale_out: float,
                   **output) -> tuple[tuple[int, ...], tuple[int, ...], Requantize]:
    """Factors for both operands and requantization of their sum (com.microsoft QLinearAdd).

        y - zero_point = (scale_a * (a - zero_point_a) + scale_b * (b - zero_point_b)) / scale_out

    With A = sum(factors_a), B = sum(factors_b) and A / B near scale_a / scale_b, one multiplier serves both. It is
    chosen to share the error of the ratio between the operands.

    Raises
    ------
    ScaleError
        If the factors would be wrong by more than half a step of the output somewhere.
    """
    factors_a, factors_b = add_factors(scale_a, scale_b)
    total_a, total_b = sum(factors_a), sum(factors_b)
    unit = (scale_a + scale_b) / (total_a + total_b)             # the real value of one step of the sum
    error = max(abs(total_a * unit - scale_a), abs(total_b * unit - scale_b)) * PIXEL_MAX / scale_out
    if error > 0.5:
        raise ScaleError(f"scales {scale_a:.6g} and {scale_b:.6g} are too far apart to be added with int8 factors: "
                         f"the result would be wrong by {error:.2g} steps")
    multiplier, shift = multiplier_and_shift(unit / scale_out)
    bias = -(total_a * zero_point_a + total_b * zero_point_b)
    return factors_a, factors_b, Requantize.uniform(bias, multiplier, shift, **output)


def add_factors(scale_a: float, scale_b: float) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Factors for each operand, 1 to 4 of 1..127, whose sums are in the ratio scale_a / scale_b.

    The fewest factors with a relative error of at most `ADD_TOLERANCE`; if there are none, the least error.
    """
    if scale_a < scale_b:
        factors_b, factors_a = add_factors(scale_b, scale_a)
        return factors_a, factors_b
    best: _Totals | None = None
    for factors in range(1, ADD_FACTORS_MAX + 1):
        found = _nearest_totals(scale_b / scale_a, factors)
        if best is None or found.error < best.error:
            best = found
        if best.error <= ADD_TOLERANCE:
            break
    assert best is not None, "a range of at least one"
    return _split(best.large), _split(best.small)


class _Totals(NamedTuple):
    """Sums of the factors of both operands, and the relative error of their ratio."""

    error: float
    large: int
    small: int


def _nearest_totals(ratio: float, factors: int) -> _Totals:
    """The sums of `factors` factors at most with small / large nearest to `ratio`, which is at most 1."""
    large = np.arange(1, factors * WEIGHT_MAX + 1)
    small = np.maximum(np.rint(large * ratio), 1)
    errors = np.abs(large / small * ratio - 1)
    choice = int(np.argmin(errors))
    return _Totals(float(errors[choice]), int(large[choice]), int(small[choice]))


def _split(total: int) -> tuple[int, ...]:
    """`total` as a sum of the fewest numbers of at most 127."""
    whole, rest = divmod(total, WEIGHT_MAX)
    return (WEIGHT_MAX,) * whole + ((rest,) if rest else ())
