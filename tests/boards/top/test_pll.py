"""PLL planning stays inside the vendor's limits and never exceeds the clock that timing was met for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firelane.boards.top.pll import PHASE_DETECTOR_MIN_HZ, VCO_MAX_HZ, VCO_MIN_HZ, plan_pll
from firelane.compiler.support.errors import ConfigError


@given(st.sampled_from([25e6, 30e6, 48e6, 50e6, 100e6]), st.integers(20, 200))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_plans_are_legal_and_close(input_hz, megahertz):
    plan = plan_pll(input_hz, megahertz * 1e6)
    assert VCO_MIN_HZ <= plan.vco_hz <= VCO_MAX_HZ
    assert input_hz / plan.input_divider >= PHASE_DETECTOR_MIN_HZ
    assert 0.95 * megahertz * 1e6 <= plan.output_hz <= megahertz * 1e6 * (1 + 1e-9)


def test_exact_where_possible():
    assert plan_pll(25e6, 100e6).output_hz == 100e6


def test_impossible():
    with pytest.raises(ConfigError, match=r"^clock: no PLL setting makes 1 MHz from 25 MHz; choose another clock "
                                          r"between 3\.125 and 400 MHz$"):
        plan_pll(25e6, 1e6)
