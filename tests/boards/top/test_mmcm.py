"""MMCM planning stays inside the vendor's limits and never exceeds the clock that is asked for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firelane.boards.top.mmcm import (
    PHASE_DETECTOR_MAX_HZ,
    PHASE_DETECTOR_MIN_HZ,
    VCO_MAX_HZ,
    VCO_MIN_HZ,
    MmcmPlan,
    plan_mmcm,
)
from firelane.compiler.support.errors import ConfigError


@given(st.sampled_from([25e6, 50e6, 100e6, 125e6, 200e6]), st.integers(10, 150))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_plans_are_legal_and_close(input_hz, megahertz):
    plan = plan_mmcm(input_hz, megahertz * 1e6)
    assert VCO_MIN_HZ <= plan.vco_hz <= VCO_MAX_HZ
    assert PHASE_DETECTOR_MIN_HZ <= input_hz / plan.input_divider <= PHASE_DETECTOR_MAX_HZ
    assert 2 <= plan.multiplier <= 64 and 1 <= plan.output_divider <= 128
    assert 0.95 * megahertz * 1e6 <= plan.output_hz <= megahertz * 1e6 * (1 + 1e-6)


def test_exact_where_possible():
    assert plan_mmcm(100e6, 75e6) == MmcmPlan(100e6, 1, 12, 16)
    assert plan_mmcm(100e6, 100e6).output_hz == 100e6


def test_impossible():
    with pytest.raises(ConfigError, match=r"^clock: no MMCM setting makes 1 MHz from 100 MHz; choose another clock "
                                          r"between 4\.7 and 800 MHz$"):
        plan_mmcm(100e6, 1e6)
