"""What is offered in place of an engine that is too small."""

from dataclasses import replace

import pytest

from firelane.compiler.tiles.larger_engine import larger_engine, size_option, weight_bytes
from firelane.hw.contract.config import EngineConfig


def test_options():
    assert size_option("weight_words") == "--weight-words"
    assert size_option("taps_per_cycle") == "--taps"


def test_an_engine_that_may_be_had():
    assert larger_engine(EngineConfig(), average_bits=19) == ["an engine with --average-bits 19"]
    both = {"average_bits": 25, "accumulator_bits": 26}
    assert larger_engine(EngineConfig(), **both) == ["an engine with --average-bits 25 and --accumulator-bits 26"]
    assert replace(EngineConfig(), **both).average_bits == 25


@pytest.mark.parametrize("sizes", [{"weight_words": (1 << 18) + 1}, {"average_bits": 24}, {"accumulator_bits": 33},
                                   {"program_words": 1 << 15}, {"banks": 32}])
def test_one_that_there_is_not_is_not_offered(sizes):
    assert larger_engine(EngineConfig(), **sizes) == []


def test_bytes_of_a_weight_memory():
    assert weight_bytes(67_584) == 304_128
