"""compiler.coding.parameter_form: the smallest form that loses nothing, and the grid of the short ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firelane.compiler.coding.bit_fields import field_table, unpack
from firelane.compiler.coding.parameter_form import (
    BIAS_TOLERANCE,
    is_constant,
    nearest_biases,
    nearest_scales,
    store_parameters,
)
from firelane.compiler.ir.graph import Requantize
from firelane.compiler.support.errors import CapacityError
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import ParameterForm, record_layout

CFG = EngineConfig(accumulator_bits=20)
FULL_BITS = 45          # 20 + 15 + 6 bits in chunks of 9


def form_of(bias, multiplier, shift) -> ParameterForm:
    return store_parameters(Requantize(bias, multiplier, shift), len(bias), EngineConfig(), "layer").form


def test_full_records():
    requantize = Requantize([-5, (1 << 19) - 1], [1 << 15, 65535], [1, 40])
    stored = store_parameters(requantize, 2, CFG, "layer")
    assert stored.fields == {"parameters": ParameterForm.FULL} and len(stored.bits) == 2 * FULL_BITS
    fields = field_table(record_layout(ParameterForm.FULL, CFG))
    for channel, (bias, multiplier, shift) in enumerate([(-5, 1 << 15, 1), ((1 << 19) - 1, 65535, 40)]):
        bits = stored.bits[channel * FULL_BITS:(channel + 1) * FULL_BITS].astype(object)
        record = int(bits @ (1 << np.arange(FULL_BITS, dtype=object)))
        assert unpack(fields, record & ((1 << 41) - 1)) == {"bias": bias, "fraction": multiplier - (1 << 15),
                                                           "shift": shift}


def test_one_set_for_all_channels_needs_no_records():
    stored = store_parameters(Requantize([3], [0], [4]), 2, CFG, "layer")
    assert stored.fields == {"parameters": ParameterForm.CONSTANT, "bias": 3, "multiplier": 0, "shift": 4}
    assert len(stored.bits) == 0
    assert is_constant(Requantize([3, 3], [1 << 15], [4])) and not is_constant(Requantize([3, 4], [1 << 15], [4]))


SAME, GRID = [40000, 40000], [32 * 1024, 63 * 1024]


@pytest.mark.parametrize(("bias", "multiplier", "shift", "form"), [
    ([-256, 255], SAME, [9, 9], ParameterForm.BIAS_1),
    ([-512, 510], SAME, [9, 9], ParameterForm.BIAS_1),          # even, so half as many bits
    ([-512, 511], SAME, [9, 9], ParameterForm.BIAS_2),
    ([-(1 << 17), 511], SAME, [9, 9], ParameterForm.BIAS_2),
    ([1 << 17, 511], SAME, [9, 9], ParameterForm.BIAS_3),
    ([0, 0], GRID, [9, 16], ParameterForm.SCALED_1),
    ([-4, 0], GRID, [9, 10], ParameterForm.SCALED_1),
    ([4, 0], GRID, [9, 10], ParameterForm.SCALED_2),
    ([511, 511 << 7], GRID, [9, 16], ParameterForm.SCALED_2),
    ([512, 1 << 8], GRID, [9, 16], ParameterForm.SCALED_2),
    ([512, 1 << 7], GRID, [9, 16], ParameterForm.SCALED_3),     # a bias shift of 1 would lose the second
    ([1, 1], GRID, [9, 10], ParameterForm.FULL),                # an odd bias at an offset of 1
    ([0, 0], GRID, [9, 17], ParameterForm.FULL),
    ([0, 0], [32 * 1024, 40000], [9, 9], ParameterForm.FULL),
])
def test_smallest_form(bias, multiplier, shift, form):
    assert form_of(bias, multiplier, shift) is form


@pytest.mark.parametrize(("requantize", "message"), [
    (Requantize([1 << 19, 0], [40001], [1]), "^layer: bias is 524288; the field holds -524288 to 524287$"),
    (Requantize([0, 0], [40001, 0], [1]), "^layer: the multiplier of output channel 1 is 0; "),
])
def test_what_fits_no_form(requantize, message):
    wide = Requantize([1 << 19, 1], [40001, 50001], [1]) if requantize.bias[0] else requantize
    with pytest.raises(CapacityError, match=message):
        store_parameters(wide, 2, CFG, "layer")


scales = st.lists(st.floats(2.0 ** -20, 2.0 ** -4), min_size=1, max_size=20)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(scales, st.integers(0, 1 << 30), st.sampled_from([0, 0.01, 3, 100, 3000]))
def test_the_grid_is_near_and_short(wanted, seed, spread):
    wanted = np.array(wanted)
    multiplier, shift = nearest_scales(wanted)
    found, greatest = multiplier / np.exp2(shift), wanted.max()
    inside = wanted >= greatest / 100
    assert (np.abs(found / wanted - 1)[inside] <= 1 / 64 + 1e-4).all()
    assert (found[~inside] < greatest / 50).all()
    biases = np.random.default_rng(seed).normal(0, spread, len(wanted)) / found
    rounded = nearest_biases(biases, multiplier, shift)
    form = form_of(rounded, multiplier, shift)
    if spread < 20:
        assert form not in (ParameterForm.FULL, ParameterForm.BIAS_3, ParameterForm.SCALED_3)
    if form is not ParameterForm.FULL:
        assert (np.abs(rounded - biases) * found <= np.maximum(BIAS_TOLERANCE, found)).all()
    if spread == 0:
        assert form in (ParameterForm.CONSTANT, ParameterForm.BIAS_1, ParameterForm.SCALED_1)


def test_a_tolerance_of_nothing_rounds():
    multiplier, shift = nearest_scales(np.array([0.001, 0.002]))
    assert nearest_biases(np.array([1.5, -7.2]), multiplier, shift, tolerance=0).tolist() == [2, -7]
