"""The emulator's own decoding of weight streams against the compiler's encoder, with which it shares no code."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.compiler.coding.parameter_form import store_parameters
from firelane.compiler.coding.weight_code import encode_layer
from firelane.compiler.ir.graph import Requantize
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import CODE_WORD, DESCRIPTOR, ParameterForm
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.sim.emulator.decode import decode_codes, decode_descriptor
from firelane.sim.emulator.faults import InvariantError
from firelane.sim.emulator.weights import read_parameters, read_taps
from tests.sim.emulator.assembler import FLAT, Assembler, Code, bits_to_words, pack, to_words
from tests.sim.emulator.programs import CFG, WEIGHT, expect, sparse_layer


def decoded(encoded, shape: tuple[int, int, int], shift_words: int = 3):
    """Taps of encoded weights that stand somewhere in the memories."""
    streams = [bits_to_words(bits.tolist()) for bits in (encoded.value_bits, encoded.run_bits,
                                                         encoded.second_value_bits, encoded.second_run_bits)]
    value, run, second_value, second_run = np.cumsum([shift_words, *map(len, streams)])[:4].tolist()
    weights = [0] * shift_words + [word for stream in streams for word in stream]
    table = [value & 0xFF for value in encoded.value_table]
    contents = MemoryContents([], weights, [99] * 5 + table, [0] * 7 + list(encoded.run_table))
    fields = {"dense": encoded.dense, "raw_values": encoded.raw_values, "channels_out": shape[0],
              "channels_in": shape[1], "group_channels": shape[0], "kernel_taps": shape[2], "value_table": 5,
              "run_table": 7, "value_address": value, "run_address": run}
    layer = decode_descriptor(to_words(pack(DESCRIPTOR, fields), 7), 0)
    codes = decode_codes([pack(CODE_WORD, word) for word in encoded.code_words])
    return read_taps(layer, codes, contents, 0, (second_value, second_run) if encoded.pairs else None)


def check(weights: np.ndarray, **options) -> None:
    encoded = encode_layer(weights, **options)
    taps = decoded(encoded, weights.shape)
    found = np.zeros(weights.shape, np.int64).reshape(len(weights), -1)
    np.add.at(found, (taps.channel, taps.place), taps.weight)
    np.testing.assert_array_equal(found.reshape(weights.shape), weights)
    np.testing.assert_array_equal(np.bincount(taps.channel, minlength=len(weights)), encoded.taps)
    ends = (encoded.value_size - taps.value_bits, encoded.run_size - taps.run_bits)
    assert ends == (0, 0) or (encoded.pairs and not len(taps.channel) % 2 and max(ends) <= 8)      # the symbol too many


@pytest.mark.parametrize("seed", range(40))
def test_random_layers(seed):
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 40)), int(rng.integers(1, 50)), int(rng.choice([1, 2, 3, 9, 16, 25, 64])))
    levels = int(rng.choice([1, 3, 16, 127]))
    weights = rng.integers(-levels, levels + 1, shape).astype(np.int8)
    weights[rng.random(shape) >= rng.choice([0.0, 0.01, 0.1, 0.33, 0.9, 1.0])] = 0
    check(weights)
    for dense in (True, False):
        check(weights, dense=dense)
        if weights[0].size > 1:
            check(weights, dense=dense, pairs=True)


def test_one_tap_and_a_long_way():
    weights = np.zeros((3, 512, 9), np.int8)
    weights[1, 511, 8] = -128
    check(weights)
    check(weights, pairs=True)


def test_streams_of_many_pieces():
    """Longer than what the reader looks up at once."""
    weights = np.random.default_rng(0).integers(-128, 128, (20, 300, 9)).astype(np.int8)
    for dense in (True, False):
        check(weights, dense=dense)
        check(weights, dense=dense, pairs=True)


def test_parameters():
    cfg = EngineConfig(accumulator_bits=24)
    program = Assembler(cfg)
    records = [(-(1 << 23), 1 << 15, 1), ((1 << 23) - 1, (1 << 16) - 1, 40), (5, 40000, 1)]
    program.stream([1] * 40)
    fields = {"channels_out": 3, "parameters": ParameterForm.FULL, "parameter_address": program.parameters(records)}
    layer = decode_descriptor(to_words(pack(DESCRIPTOR, fields), 7), 0)
    found = read_parameters(layer, program.contents(), cfg, 0)
    assert list(zip(found.bias.tolist(), found.multiplier.tolist(), found.shift.tolist())) == records


def stored(requantize: Requantize, channels: int, cfg: EngineConfig):
    """What the emulator reads of parameters that the compiler stored."""
    kept = store_parameters(requantize, channels, cfg, "layer")
    fields = {**kept.fields, "channels_out": channels, "parameter_address": 2}
    layer = decode_descriptor(to_words(pack(DESCRIPTOR, fields), 7), 0)
    contents = MemoryContents([], [7, 7, *bits_to_words(kept.bits.tolist())], [], [])
    return kept.form, read_parameters(layer, contents, cfg, 0)


@pytest.mark.parametrize(("form", "bias_bits", "offsets"), [
    (ParameterForm.BIAS_1, 9, 1), (ParameterForm.BIAS_2, 18, 1), (ParameterForm.BIAS_3, 21, 1),
    (ParameterForm.SCALED_1, 1, 8), (ParameterForm.SCALED_2, 10, 8), (ParameterForm.SCALED_3, 19, 3),
    (ParameterForm.FULL, 20, 20)])
def test_parameters_of_every_form(form, bias_bits, offsets):
    """Biases of so many bits, the least and the greatest among them, moved left by 3 and by a channel's offset."""
    rng, channels, least = np.random.default_rng(form.value), 30, -1 << bias_bits - 1
    offset = np.append([0, 0], rng.integers(0, offsets, channels - 2))
    bias = np.append([least, -least - 1], rng.integers(least, -least, channels - 2)) << (3 + offset * (offsets <= 8))
    multiplier = {1: np.full(channels, 54321), 20: rng.integers(1 << 15, 1 << 16, channels)}.get(
        offsets, (32 + rng.integers(0, 32, channels)) * 1024)
    found_form, found = stored(Requantize(bias, multiplier, 7 + offset), channels, EngineConfig())
    assert found_form is form
    assert (found.bias == bias).all() and (found.multiplier == multiplier).all() and (found.shift == 7 + offset).all()


def test_constant_parameters():
    form, found = stored(Requantize([-9], [40000], [7]), 4, EngineConfig())
    assert form is ParameterForm.CONSTANT and found.bias.tolist() == [-9] * 4 and found.shift.tolist() == [7] * 4


def test_a_bias_too_wide_for_the_accumulator_is_an_error_of_the_compiler():
    layer = decode_descriptor(to_words(pack(DESCRIPTOR, {"channels_out": 1, "bias": 1 << 20}), 7), 0)
    with pytest.raises(InvariantError, match="does not fit 20 bits"):
        read_parameters(layer, MemoryContents([], [], [], []), EngineConfig(accumulator_bits=20), 0)


def test_code_that_does_not_exist():
    program = Assembler(CFG)
    sparse_layer(program, WEIGHT, (Code((2, 3, 3, 3)), FLAT))
    program.weights[0] = (1 << 36) - 1
    assert expect(ErrorCode.BAD_CODE, program.contents(), pc=8) == "no code at bit 0 of the stream at weight word 0"


def test_symbol_behind_the_table():
    program = Assembler(CFG)
    sparse_layer(program, WEIGHT)
    program.values = program.values[:2]
    assert "symbol" in expect(ErrorCode.BAD_CODE, program.contents(), pc=8)


def test_step_that_skips_a_channel():
    program = Assembler(CFG)
    sparse_layer(program, WEIGHT)
    program.runs[0] = 7 << 6
    assert expect(ErrorCode.BAD_CODE, program.contents(), pc=8) == "a step of output channel 1 is too long"


@pytest.mark.parametrize("stream", ["value_address", "run_address", "parameter_address"])
def test_stream_behind_the_end_of_the_weights(stream):
    program = Assembler(CFG)
    form = ParameterForm.FULL if stream == "parameter_address" else ParameterForm.CONSTANT
    sparse_layer(program, WEIGHT, parameters=form, **{stream: 63})
    assert "runs on past the end" in expect(ErrorCode.WEIGHT_RANGE, program.contents(), pc=8)
