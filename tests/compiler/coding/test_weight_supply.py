"""compiler.coding.weight_supply: what is said to come in time does; codes that would not are made shorter.

`tests/hw/taps/test_weight_supply.py` has the replay beside the hardware.
"""

import numpy as np
import pytest

from firelane.compiler.coding import weight_supply
from firelane.compiler.coding.weight_code import Codes, encode_layer
from firelane.compiler.coding.weight_supply import Replay, Supply, in_time
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import ParameterForm
from firelane.hw.contract.issue import ChannelTaps
from firelane.hw.contract.timing import FIRST_CODE_CYCLES

WORDS = [512, 8192, 67584, 98304]


def supply_of(words, form=ParameterForm.FULL):
    return Supply.of(EngineConfig(weight_words=words, taps_per_cycle=2), form)


def adversary(rng, pairs):
    """Code lengths of a stream: quiet and busy stretches of any length, with bursts of the longest codes."""
    found = []
    while len(found) < pairs:
        low = int(rng.integers(1, 9))
        found += rng.integers(low, int(rng.integers(low, 9)) + 1, rng.integers(1, 120)).tolist()
    return np.array(found[:pairs])


def late(lengths, counts, due, supply):
    return max(time - limit for time, limit in zip(Replay(lengths, counts, supply).decoded(), due.tolist()))


@pytest.mark.parametrize("seed", range(60))
def test_a_layer_within_the_bound_is_in_time(seed):
    """Streams as a whole are made shorter until each is within its bound; then the replay must find nothing late."""
    rng = np.random.default_rng(seed)
    supply, pairs = supply_of(WORDS[seed % 4]), int(rng.integers(20, 400))
    counts = np.full(2, pairs - 1)
    counts[1] += 1 - counts.sum() % 2
    due = weight_supply._due(counts, supply.drain_cycles) + FIRST_CODE_CYCLES + 3
    lengths = []
    for number in range(4):
        codes = adversary(rng, len(due))
        while not weight_supply._bounded(codes, due, number, 4, supply):
            codes = np.maximum(codes - (rng.random(len(codes)) < 0.05), 1)
        lengths.append(codes)
    assert sum(codes.mean() for codes in lengths) > 8 and late(lengths, counts, due, supply) <= 0
    assert in_time(lengths, counts, supply)


@pytest.mark.parametrize("words", WORDS)
def test_dense_layers_are_always_in_time(words):
    rng, supply = np.random.default_rng(words), supply_of(words)
    for lengths in ([np.full(600, 8)] * 2, [adversary(rng, 600), adversary(rng, 600)]):
        due = np.arange(600) + FIRST_CODE_CYCLES + 1
        assert late(lengths, np.full(75, 16), due, supply) <= 0


@pytest.mark.parametrize("words", WORDS)
def test_seven_bits_are_always_in_time(words):
    """The codes that are tried next where the best ones are late."""
    lengths, counts = [np.full(400, 7)] * 4, np.array([16] * 49 + [15])
    assert in_time(lengths, counts, supply_of(words))


def test_all_codes_of_eight_bits_are_late_beside_parameters():
    lengths, counts = [np.full(400, 8)] * 4, np.array([16] * 49 + [15])
    assert not in_time(lengths, counts, supply_of(67584))
    assert in_time(lengths, counts, supply_of(67584, ParameterForm.CONSTANT))


def test_pairs_are_due_when_their_taps_are_issued():
    cfg = EngineConfig(taps_per_cycle=2)
    counts = np.array([5, 40, 2, 17])
    due = weight_supply._due(counts, cfg.drain_cycles)
    assert due[:4].tolist() == [0, 1, 2, 8] and len(due) == (counts.sum() + 2) // 2
    assert due[-1] <= ChannelTaps(tuple(counts.tolist())).cycles(cfg)


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("density", [0.02, 0.3, 0.7])
def test_weights_without_a_pattern_are_in_time(words, density):
    """Values of 8 bits: the best codes, or others of fewer or shorter runs."""
    rng, supply = np.random.default_rng(1), supply_of(words)
    weights = np.where(rng.random((40, 60, 9)) < density, rng.integers(-128, 128, (40, 60, 9)), 0).astype(np.int8)
    asked = []

    def remembered(lengths, counts, given):
        asked.append(in_time(lengths, counts, given))
        return asked[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("firelane.compiler.coding.weight_code.in_time", remembered)
        encoded = encode_layer(weights, dense=False, pairs=True, supply=supply)
    assert asked[-1] and encoded.coded_bits < 1.15 * encode_layer(weights, dense=False, pairs=True).coded_bits


def test_long_values_and_long_runs_make_fillers():
    """All codes have 8 bits; where that is too much, runs are split for shorter ones."""
    rng = np.random.default_rng(2)
    runs = rng.integers(0, 256, 1200)
    weights = np.zeros(int((runs + 1).sum()) // 16 * 16 + 16, np.int8)
    weights[np.cumsum(runs + 1) - 1] = rng.choice(np.delete(np.arange(-128, 128), 128), 1200)
    weights = weights.reshape(4, -1, 4)
    best = encode_layer(weights, dense=False, pairs=True)
    encoded = encode_layer(weights, dense=False, pairs=True, supply=supply_of(67584))
    assert best.fillers < encoded.fillers and len(encoded.run_table) <= 32 < len(best.run_table)
    assert (best.codes, best.extra_taps) == (Codes.BEST, 0) and encoded.codes is Codes.SHORTENED
    assert encoded.extra_taps == encoded.taps.sum() - best.taps.sum() == encoded.fillers - best.fillers


def test_what_is_late_in_any_code_keeps_the_best(monkeypatch):
    rng = np.random.default_rng(3)
    weights = np.where(rng.random((8, 9, 9)) < 0.3, rng.integers(-128, 128, (8, 9, 9)), 0).astype(np.int8)
    best = encode_layer(weights, pairs=True)
    monkeypatch.setattr("firelane.compiler.coding.weight_code.in_time", lambda lengths, counts, supply: False)
    encoded = encode_layer(weights, pairs=True, supply=supply_of(67584))
    assert encoded.codes is Codes.LATE and encoded.extra_taps == 0
    assert np.array_equal(encoded.value_bits, best.value_bits) and np.array_equal(encoded.run_bits, best.run_bits)
