"""boards.host.load: a model for another kind of engine is refused, with what to do."""

from dataclasses import replace

import pytest

from firelane.boards.host.load import check_engine
from firelane.compiler.support.errors import ConfigError
from firelane.hw.contract.config import EngineConfig

ONE = EngineConfig(banks=4)
TWO = replace(ONE, taps_per_cycle=2)


@pytest.mark.parametrize(("wanted", "there", "different", "hint"), [
    (TWO, ONE, "taps_per_cycle 2, there 1", "compile it for the engine of the board with --taps 1"),
    (ONE, TWO, "taps_per_cycle 1, there 2", "compile it for the engine of the board with --taps 2"),
    (ONE, replace(ONE, banks=2), "banks 4, there 2", "compile it for the engine of the board"),
])
def test_a_model_for_another_engine(wanted, there, different, hint):
    with pytest.raises(ConfigError) as refused:
        check_engine("model", wanted, there, there.digest, board="the board")
    assert str(refused.value) == f"model: was compiled for another engine ({different}); {hint}"


def test_its_own_engine():
    check_engine("model", TWO, replace(TWO, logic_lanes=3), TWO.digest, board="the board")
