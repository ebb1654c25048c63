"""Integers from scales: how near they are, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firelane.compiler.ir.quantization import (
    ADD_TOLERANCE,
    ScaleError,
    add_factors,
    add_requantize,
    average_requantize,
    channel_scale_requantize,
    conv_requantize,
    multiplier_and_shift,
    multipliers_and_shifts,
    quantize,
    rescale_requantize,
)

DETERMINISTIC = settings(derandomize=True, deadline=None)


@DETERMINISTIC
@given(st.floats(2.0 ** -25, 2.0 ** 14))
def test_multiplier_is_the_nearest(scale):
    multiplier, shift = multiplier_and_shift(scale)
    assert 2 ** 15 <= multiplier < 2 ** 16 and 1 <= shift <= 40
    assert abs(multiplier * 2.0 ** -shift - scale) <= scale * 2.0 ** -16
    neighbours = [abs((multiplier + step) * 2.0 ** -shift - scale) for step in (-1, 0, 1)]
    assert neighbours[1] == min(neighbours)


@pytest.mark.parametrize("scale, expected", [
    (1.0, (1 << 15, 15)), (0.5, (1 << 15, 16)), (2.0 - 2.0 ** -20, (1 << 15, 14)), (0.0, (0, 1)),
    (2.0 ** -25, (1 << 15, 40)), (2.0 ** -26, (0, 1)), (32767.0, (65534, 1))])
def test_multiplier_at_the_edges(scale, expected):
    assert multiplier_and_shift(scale) == expected


@pytest.mark.parametrize("scale, message", [
    (40000.0, r"requantization scale 40000 is not below 2\*\*15"),
    (-1.0, r"requantization scale -1\.0 is not a positive number"),
    (math.nan, "requantization scale nan is not a positive number"),
    (math.inf, "requantization scale inf is not a positive number")])
def test_refused_scales(scale, message):
    with pytest.raises(ScaleError, match=f"^{message}$"):
        multiplier_and_shift(scale)


def test_arrays():
    multipliers, shifts = multipliers_and_shifts([1.0, 0.25])
    assert multipliers.tolist() == [1 << 15] * 2 and shifts.tolist() == [15, 17]
    assert [array.shape for array in multipliers_and_shifts([])] == [(0,), (0,)]


@pytest.mark.parametrize("real, expected", [
    (0.0, 10), (0.25, 10), (0.75, 12), (-100.0, 0), (1e9, 255), (math.inf, 255), (-math.inf, 0)])
def test_quantize_rounds_half_to_even_and_saturates(real, expected):
    assert quantize(real, 0.5, 10) == expected


@DETERMINISTIC
@given(st.floats(1e-4, 10), st.floats(1e-4, 10))
def test_add_factors(scale_a, scale_b):
    ratio = scale_a / scale_b
    factors_a, factors_b = add_factors(scale_a, scale_b)
    for factors in (factors_a, factors_b):
        assert 1 <= len(factors) <= 4 and all(1 <= factor <= 127 for factor in factors)
    error = abs(sum(factors_a) / sum(factors_b) / ratio - 1)
    if 1 / 100 < ratio < 100:
        assert error < 1 / 300
    if len(factors_a) + len(factors_b) > 2 and error > ADD_TOLERANCE:
        totals = np.arange(1, 509)
        other = np.clip(np.rint(totals / ratio), 1, 508)
        assert error <= np.min(np.abs(totals / other / ratio - 1)) + 1e-12      # nothing better exists


def test_add_factors_are_few_where_few_will_do():
    assert add_factors(0.1, 0.1) == ((1,), (1,))
    assert add_factors(0.3, 0.1) == ((3,), (1,))
    assert add_factors(0.1, 0.3) == ((1,), (3,))


@DETERMINISTIC
@given(st.floats(0.005, 0.2), st.floats(0.005, 0.2), st.integers(0, 255), st.integers(0, 255), st.integers(0, 255),
       st.integers(0, 2 ** 32 - 1))
def test_add_is_right_to_a_step(scale_a, scale_b, zero_a, zero_b, zero_out, seed):
    scale_out = scale_a + scale_b
    factors_a, factors_b, requantize = add_requantize(scale_a, zero_a, scale_b, zero_b, scale_out,
                                                      zero_point=zero_out)
    a, b = np.random.default_rng(seed).integers(0, 256, (2, 1, 200))
    result = requantize.apply(sum(factors_a) * a + sum(factors_b) * b)
    real = (scale_a * (a - zero_a) + scale_b * (b - zero_b)) / scale_out + zero_out
    assert np.max(np.abs(result - np.clip(real, 0, 255))) < 1


def test_add_refuses_what_factors_cannot_express():
    with pytest.raises(ScaleError, match=r"^scales 100 and 0\.01 are too far apart to be added with int8 factors: the "
                                         r"result would be wrong by [\d.e+]+ steps$"):
        add_requantize(100.0, 0, 0.01, 0, 0.01, zero_point=0)


def scaled(factors, offsets, x, zero_in: int, scale_out: float, zero_out: int) -> np.ndarray:
    """A channel_scale of stored values `x` (C, n) of scale 0.05."""
    weights, requantize = channel_scale_requantize(np.array(factors), offsets, 0.05, zero_in, scale_out,
                                                   zero_point=zero_out)
    return requantize.apply(weights.astype(np.int64)[:, None] * x)


@DETERMINISTIC
@given(st.integers(0, 255), st.integers(0, 255), st.floats(1e-4, 10), st.floats(-4, 4), st.booleans(),
       st.integers(0, 2 ** 32 - 1))
def test_channel_scale_is_right_to_a_step(zero_in, zero_out, scale_out, magnitude, adds, seed):
    """Factors and offsets of any size, and of 0: what they make is rounded, clipped, or both."""
    rng = np.random.default_rng(seed)
    factors, offsets = rng.normal(0, 10 ** magnitude, 20), rng.normal(0, 10 ** -magnitude, 20) if adds else None
    factors[0] = 0
    x, ratio = np.broadcast_to(np.arange(256), (20, 256)), np.abs(factors).max() * 0.05 / scale_out
    if ratio > (127 if adds else 2 ** 15 - 1):
        with pytest.raises(ScaleError):
            scaled(factors, offsets, x, zero_in, scale_out, zero_out)
        return
    allowed = 1 / 2 + 1 / 16 + 0.01 + (ratio / 254 if adds else 0)
    real = (factors[:, None] * 0.05 * (x - zero_in) + (offsets[:, None] if adds else 0)) / scale_out + zero_out
    assert np.abs(scaled(factors, offsets, x, zero_in, scale_out, zero_out) - np.clip(real, 0, 255)).max() < allowed


def test_channel_scale_multiplies_by_the_sign_and_adds_in_fine_steps():
    factors, offsets = np.array([1.5, -0.5, 0.0]), np.array([0.01, 0.01, 0.01])
    weights, requantize = channel_scale_requantize(factors, None, 0.05, 7, 0.05, zero_point=3)
    assert weights.tolist() == [1, -1, 0] and requantize.bias.tolist() == [-7, 7, 0]
    weights, requantize = channel_scale_requantize(factors, offsets, 0.05, 0, 0.05, zero_point=3)
    assert weights.tolist() == [127, -127, 0]
    steps = requantize.multiplier / np.exp2(requantize.shift) * 0.05
    assert np.abs(requantize.bias * steps - offsets).max() <= steps.max() / 2 < 0.0003


@pytest.mark.parametrize("offset", [1e30, -1e30])
def test_an_offset_beyond_every_pixel_is_clipped_in_23_bits(offset):
    factors = np.array([1e-3, 1.0, 100.0, 0.0])
    weights, requantize = channel_scale_requantize(factors, np.full(4, offset), 0.05, 255, 0.05, zero_point=0)
    assert np.abs(requantize.bias).max() < 1 << 22
    ends = requantize.apply(weights.astype(np.int64)[:, None] * np.array([0, 255]))
    assert (ends == (255 if offset > 0 else 0)).all()


def test_channel_scale_refuses_what_the_multiplier_cannot_express():
    with pytest.raises(ScaleError, match=r"^requantization scale 50000 is not below 2\*\*15$"):
        channel_scale_requantize(np.array([1.0, 50000.0]), None, 0.05, 0, 0.05, zero_point=0)
    message = (r"^factor -254 of channel 1 makes 254 steps of the output of one of the input: what is added would be "
               r"wrong by 1 steps$")
    with pytest.raises(ScaleError, match=message):
        channel_scale_requantize(np.array([1.0, -254.0]), np.ones(2), 0.05, 0, 0.05, zero_point=0)


def test_average_and_rescale():
    average = average_requantize(9, 0.5, 7, 0.25, zero_point=3)
    assert average.apply(np.array([[9 * 7, 9 * 17]]))[0].tolist() == [3, 23]
    same = rescale_requantize(0.1, 20, 0.1, zero_point=20)
    assert same.apply(np.arange(256)[None])[0].tolist() == list(range(256))


@DETERMINISTIC
@given(st.integers(0, 2 ** 32 - 1), st.integers(0, 255), st.integers(0, 255))
def test_conv_is_the_formula_of_qlinearconv(seed, zero_in, zero_out):
    rng = np.random.default_rng(seed)
    weight = rng.integers(-127, 128, (4, 3, 1, 1)).astype(np.int8)
    bias, scales = rng.integers(-9000, 9000, 4), rng.uniform(1e-4, 1e-2, 4)
    same, requantize = conv_requantize(weight, bias, scales, zero_in, zero_point=zero_out)
    assert np.array_equal(same, weight)
    pixels = rng.integers(0, 256, (3, 50))
    result = requantize.apply(weight.reshape(4, 3).astype(np.int64) @ pixels)
    real = scales[:, None] * (weight.reshape(4, 3) @ (pixels - zero_in) + bias[:, None]) + zero_out
    assert np.max(np.abs(result - np.clip(real, 0, 255))) <= 0.5 + 255 * 2.0 ** -17 + 1e-9


def test_channel_that_cannot_move_the_result_becomes_constant():
    weight = np.ones((2, 1, 1, 1), np.int8)
    weight, requantize = conv_requantize(weight, np.array([5, 3 << 40]), np.array([0.5, 2.0 ** -40]), 0, zero_point=1)
    assert weight.ravel().tolist() == [1, 0]
    assert requantize.apply(np.array([[255], [0]])).ravel().tolist() == [131, 4]


def test_conv_refusals():
    weight = np.full((1, 512, 3, 3), 127, np.int8)
    with pytest.raises(ScaleError, match=r"^requantization scale 2\.68e-08 of output channel 0 is below 2\*\*-25$"):
        conv_requantize(weight, np.array([0]), np.array([2.0 ** -25 * 0.9]), 0)
    with pytest.raises(ScaleError, match=r"^bias 4294967296 of output channel 0 does not fit 32 bits$"):
        conv_requantize(np.zeros((1, 1, 1, 1), np.int8), np.array([1 << 32]), np.array([0.5]), 0)
