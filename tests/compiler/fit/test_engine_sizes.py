"""The sizes of an engine that a user chooses."""

import pytest

from firelane.compiler.fit.engine_sizes import SIZES, engine_in_words, sized_engine
from firelane.compiler.support.errors import ConfigError
from firelane.hw.contract.config import EngineConfig


def test_sizes_that_are_not_given_stay():
    engine = EngineConfig(banks=4, weight_words=2048)
    assert sized_engine(engine, banks=None, weight_words=4096) == EngineConfig(banks=4, weight_words=4096)
    assert sized_engine(engine, **dict.fromkeys(SIZES)) == engine


@pytest.mark.parametrize("sizes, problem", [
    ({"banks": 3}, "--banks: banks must be 1, 2, 4, 8 or 16, not 3"),
    ({"taps_per_cycle": 3}, "--taps: taps_per_cycle must be an integer from 1 to 2, not 3"),
])
def test_an_impossible_size_names_its_option(sizes, problem):
    with pytest.raises(ConfigError) as found:
        sized_engine(EngineConfig(), **sizes)
    assert found.value.typed == problem
    assert str(found.value).startswith(f"{next(iter(sizes))}: ")


def test_an_engine_in_words():
    assert engine_in_words(EngineConfig()) == "8 banks"
    assert engine_in_words(sized_engine(EngineConfig(), taps_per_cycle=2)) == "8 banks, two taps a cycle"
