"""Weights into streams and back, for friendly and unfriendly layers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firelane.compiler.coding.prefix_code import words_of
from firelane.compiler.coding.weight_code import encode_layer
from firelane.hw.contract.instruction import KERNEL_BITS
from tests.compiler.coding.stream_reader import decode_layer

exact = settings(deadline=None, derandomize=True, max_examples=80)


def decoded(encoded, shape):
    """(weights, taps of each channel) as the streams say, with other things before and behind them in memory."""
    rubbish = np.full(3, (1 << 36) - 1, np.uint64)
    streams = [words_of(bits) for bits in (encoded.run_bits, encoded.value_bits, encoded.second_run_bits,
                                           encoded.second_value_bits)]
    memory = np.concatenate([rubbish, *streams, rubbish])
    run, value, second_run, second_value = np.cumsum([3, *map(len, streams)])[:4].tolist()
    places, weights = decode_layer(
        memory, run_address=run, value_address=value, code_words=encoded.code_words,
        value_table=encoded.value_table, run_table=encoded.run_table, dense=encoded.dense,
        raw_values=encoded.raw_values, shape=shape, second=(second_value, second_run) if encoded.pairs else None)
    result = np.zeros(int(np.prod(shape)), np.int64)
    result[places] = weights
    return result.reshape(shape), np.bincount(places // (shape[1] * shape[2]), minlength=shape[0])


def check(weights, **options):
    encoded = encode_layer(weights, **options)
    result, taps = decoded(encoded, weights.shape)
    assert (result == weights).all()
    assert taps.tolist() == encoded.taps.tolist() and taps.min() >= (2 if options.get("pairs") else 1)
    assert encoded.pairs == options.get("pairs", False)
    assert encoded.fillers == taps.sum() - (weights != 0).sum()
    assert len(encoded.value_table) <= 256 and len(encoded.run_table) <= 256
    assert all(entry & ((1 << KERNEL_BITS) - 1) < weights.shape[2] for entry in encoded.run_table)
    limits = [[word[name] for word in encoded.code_words] for name in ("value_limit", "run_limit")]
    assert all(limit == sorted(limit) for limit in limits), "the decoder relies on it"
    return encoded


@st.composite
def layers(draw):
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 5), st.sampled_from([1, 2, 9, 49, 64])))
    density = draw(st.sampled_from([0.0, 0.02, 0.3, 0.9, 1.0]))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    low = draw(st.sampled_from([-128, -3, 1, 127]))
    weights = rng.integers(low, min(127, low + draw(st.sampled_from([0, 5, 255]))) + 1, shape)
    return np.where(rng.random(shape) < density, weights, 0).astype(np.int8)


@exact
@given(layers(), st.sampled_from([0, 1, 2, 5, 256]), st.sampled_from([0, 1, 2, 5, 256]), st.sampled_from([0, 1, 20]))
def test_round_trip(weights, value_room, run_room, tap_cost):
    encoded = check(weights, value_room=value_room, run_room=run_room, tap_cost_bits=tap_cost)
    assert len(encoded.value_table) <= value_room and len(encoded.run_table) <= run_room


@exact
@given(layers().filter(lambda weights: weights[0].size > 1), st.sampled_from([0, 2, 256]), st.sampled_from([1, 256]),
       st.sampled_from([None, True, False]))
def test_pairs(weights, value_room, run_room, dense):
    rooms = {"value_room": value_room, "run_room": run_room, "dense": dense}
    encoded, one = check(weights, pairs=True, **rooms), encode_layer(weights, **rooms)
    if np.count_nonzero(weights.reshape(len(weights), -1), axis=1).min() >= 2:
        assert encoded.taps.tolist() == one.taps.tolist()       # the same symbols, and one more if their number is odd
        assert encoded.code_words == one.code_words and encoded.run_table == one.run_table
        assert 0 <= encoded.coded_bits - one.coded_bits <= 16 * ((one.taps.sum() + 1) % 2)


def test_filters_of_one_place_have_no_pairs():
    with pytest.raises(ValueError, match=r"^filters of one place have no pairs of taps$"):
        encode_layer(np.ones((4, 1, 1), np.int8), pairs=True)


@exact
@given(layers(), st.booleans())
def test_dense_can_be_forced(weights, dense):
    encoded = check(weights, dense=dense)
    assert encoded.dense == dense
    if dense:
        assert (encoded.taps == weights[0].size).all() and len(encoded.run_bits) == 0


def test_a_dense_layer_is_dense():
    weights = np.random.default_rng(1).integers(1, 9, (8, 4, 9)).astype(np.int8)
    encoded = check(weights)
    assert encoded.dense and not encoded.raw_values and encoded.fillers == 0


def test_all_weights_differ():
    weights = np.arange(256).astype(np.uint8).view(np.int8).reshape(8, 32, 1)
    assert check(weights, dense=True).raw_values


def test_no_weights_at_all():
    encoded = check(np.zeros((7, 3, 9), np.int8))
    assert encoded.taps.tolist() == [1] * 7 and encoded.fillers == 7


@pytest.mark.parametrize("place", [0, 1, 4000, 8999])
def test_one_weight_far_away(place):
    weights = np.zeros((1, 1000, 9), np.int8)
    weights.reshape(-1)[place] = -128
    assert check(weights, tap_cost_bits=20).fillers == 0


def test_runs_longer_than_a_step_can_be():
    weights = np.zeros((2, 2047, 1), np.int8)
    weights[0, 0, 0], weights[1, 2046, 0] = 1, 2        # 4092 zeros between them, a step has up to 2047 places
    assert check(weights, dense=False).fillers >= 1


def test_four_dimensions_and_entropy():
    rng = np.random.default_rng(3)
    weights = np.where(rng.random((64, 16, 3, 3)) < 0.33, rng.integers(-8, 9, (64, 16, 3, 3)), 0).astype(np.int8)
    encoded = encode_layer(weights)
    check(weights.reshape(64, 16, 9))
    assert encoded.entropy_bits <= encoded.coded_bits < 1.06 * encoded.entropy_bits
    assert not encoded.dense


def test_fillers_cost_what_a_tap_costs():
    rng = np.random.default_rng(4)
    runs = rng.permutation(np.concatenate([np.zeros(2000, int), np.arange(1, 180)]))
    weights = np.zeros(int((runs + 1).sum()) // 9 * 9 + 9, np.int8)
    weights[np.cumsum(runs + 1) - 1] = rng.choice([0, 1, 1], len(runs)) + 1
    cheap, dear = (check(weights.reshape(1, -1, 9), tap_cost_bits=cost) for cost in (0, 100))
    assert cheap.fillers > dear.fillers == 0 and cheap.coded_bits < dear.coded_bits


def test_large_layer_is_fast_enough():
    rng = np.random.default_rng(5)
    weights = np.where(rng.random((1000, 512, 1)) < 0.4, rng.laplace(0, 12, (1000, 512, 1)).round(), 0)
    check(weights.clip(-128, 127).astype(np.int8))


@pytest.mark.parametrize("weights", [np.zeros((2, 2, 2)), np.zeros((2, 2), np.int8), np.zeros((0, 2, 2), np.int8)])
def test_not_weights(weights):
    with pytest.raises(ValueError, match=r"^weights must be int8 \(O, I, places\), not "):
        encode_layer(weights)


def test_broken_streams():
    weights = np.random.default_rng(6).integers(-3, 4, (4, 4, 9)).astype(np.int8)
    encoded = encode_layer(weights, dense=False)
    value_words = words_of(encoded.value_bits)
    good = {"value_address": 0, "run_address": len(value_words), "code_words": encoded.code_words,
            "value_table": encoded.value_table, "run_table": encoded.run_table, "dense": False, "raw_values": False,
            "shape": weights.shape}
    memory = np.concatenate([value_words, words_of(encoded.run_bits)])
    no_code = tuple(dict.fromkeys(word, 0) for word in encoded.code_words)
    for broken, message in (({"code_words": no_code}, "the run stream has an invalid code, or does not end"),
                            ({"run_address": len(memory)}, "the run stream has an invalid code, or does not end"),
                            ({"value_address": len(memory)},
                             "the value stream has an invalid code, or ends too early")):
        with pytest.raises(ValueError, match=f"^{message}$"):
            decode_layer(memory, **good | broken)
