"""EngineConfig: what may be said of an engine, and what a program depends on."""

from dataclasses import replace

import pytest

from firelane.hw.contract.config import EngineConfig

CFG = EngineConfig(banks=2)


@pytest.mark.parametrize("lanes", [-1, 29, True, 1.0])
def test_logic_lanes_are_lanes(lanes):
    with pytest.raises(ValueError, match=r"^logic_lanes must be an integer from 0 to 28, not "):
        replace(CFG, logic_lanes=lanes)


def test_programs_do_not_depend_on_how_a_lane_is_made():
    assert replace(CFG, logic_lanes=28, trace=True).digest == CFG.digest
    assert replace(CFG, weight_words=16).digest != CFG.digest
