"""compiler.compress.rate: what is estimated is what the coder needs."""

import numpy as np
import pytest

from firelane.compiler.coding.weight_code import encode_layer
from firelane.compiler.compress.rate import LEVELS, TABLE_ENTRY_BITS, RateModel, laplace
from firelane.compiler.ir.graph import WEIGHT_MAX


def levels(seed: int, share: float, scale: float, shape=(64, 32, 9)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = np.clip(np.rint(rng.laplace(0, scale, shape)), -WEIGHT_MAX, WEIGHT_MAX).astype(np.int8)
    values[values == 0] = 1
    return np.where(rng.random(shape) < share, values, 0).astype(np.int8)


@pytest.mark.parametrize("share, scale", [(0.1, 2), (0.33, 3), (0.33, 8), (0.6, 4)])
def test_total_is_what_the_coder_needs(share, scale):
    weights = levels(0, share, scale)
    encoded = encode_layer(weights)
    estimate = RateModel.of(weights).total(weights) - TABLE_ENTRY_BITS * len(np.unique(weights))
    assert encoded.coded_bits == pytest.approx(estimate, rel=0.03)


def test_taps_cost_what_is_said():
    weights = levels(1, 0.3, 3)
    plain, dear = RateModel.of(weights), RateModel.of(weights, tap_bits=2.0)
    assert dear.total(weights) - plain.total(weights) == pytest.approx(2.0 * np.count_nonzero(weights))
    assert dear.zero == plain.zero


def test_levels_without_a_code_become_the_nearest_that_has_one():
    rates = RateModel.of(np.array([0, 0, 3, 3, 3, -5, 10]))
    assert rates.coded(np.array([-127, -5, -3, 0, 1, 2, 4, 7, 8, 127])).tolist() == [-5, -5, -5, 0, 0, 3, 3, 10, 10, 10]
    assert np.isinf(rates.bits).sum() == LEVELS - 4


@pytest.mark.parametrize("only", [0, 4, -127])
def test_a_layer_of_one_level(only):
    rates = RateModel.of(np.full(9, only))
    assert np.isfinite(rates.bits[only + WEIGHT_MAX]) and np.isfinite(rates.total(np.full(9, only)))


def test_laplace_falls_on_both_sides():
    bits = laplace(3.0).bits
    assert (np.diff(bits[WEIGHT_MAX:WEIGHT_MAX + 30]) > 0).all() and np.allclose(bits, bits[::-1])
