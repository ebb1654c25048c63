"""The sizes of an engine that a user chooses."""

import pytest

from firelane.compiler.fit.engine_sizes import SIZES, sized_engine
from firelane.compiler.support.errors import ConfigError
from firelane.hw.contract.config import EngineConfig


def test_sizes_that_are_not_given_stay():
    engine = EngineConfig(banks=4, weight_words=2048)
    assert sized_engine(engine, banks=None, weight_words=4096) == EngineConfig(banks=4, weight_words=4096)
    assert sized_engine(engine, **dict.fromkeys(SIZES)) == engine


def test_an_impossible_size_names_its_option():
    with pytest.raises(ConfigError, match="^banks: banks must be 1, 2, 4, 8 or 16, not 3$"):
        sized_engine(EngineConfig(), banks=3)
