"""What the emulator refuses, with the code that the hardware reports."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import FORMAT_VERSION, MAGIC, Destination, Opcode, ParameterForm, Source
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.sim.emulator import Emulator, EngineError, InvariantError
from tests.sim.emulator.assembler import FLAT, Assembler, Code, with_header

CFG = EngineConfig(banks=4, activation_words=64, weight_words=64, program_words=256, accumulator_bits=18,
                   average_bits=16, average_channels=8)
NO_IMAGE = np.zeros(0, np.uint8)


def one_tile(layer: dict | None = None, tile: dict | None = None, cfg: EngineConfig = CFG) -> Assembler:
    """A program of one TILE that copies 3 channels, with changes."""
    program = Assembler(cfg)
    fields = {"source": Source.WINDOW, "kernel": [{"weight": 1}], "columns": 14, "out_columns": 14, "channels_out": 3}
    number = program.layer(**(fields | (layer or {})))
    program.tile(number, **({"address": 40, "rows": 4, "slots": [(8, 4)]} | (tile or {})))
    return program


def run(contents: MemoryContents, cfg: EngineConfig = CFG) -> Emulator:
    emulator = Emulator(cfg, contents)
    emulator.run_frame(NO_IMAGE)
    return emulator


def expect(code: ErrorCode, contents: MemoryContents, pc: int = 0) -> str:
    """Run; the error must be `code` at `pc`. Returns the message."""
    with pytest.raises(EngineError) as caught:
        run(contents)
    assert (caught.value.code, caught.value.pc) == (code, pc), caught.value
    return caught.value.message


def test_the_program_without_changes_runs():
    run(one_tile().contents())


@pytest.mark.parametrize(("code", "header"), [
    (ErrorCode.BAD_IDENTITY, {"IDENTITY": MAGIC << 8 | FORMAT_VERSION + 1}),
    (ErrorCode.CONFIG_MISMATCH, {"CONFIG_DIGEST": 1}),
    (ErrorCode.BAD_LENGTH, {"PROGRAM_LENGTH": 257}), (ErrorCode.BAD_LENGTH, {"WEIGHT_LENGTH": 65}),
    (ErrorCode.BAD_LENGTH, {"TABLE_LENGTHS": 2049}), (ErrorCode.BAD_LENGTH, {"TABLE_LENGTHS": 1025 << 18}),
    (ErrorCode.PROGRAM_CRC, {"PROGRAM_CRC": 1}), (ErrorCode.WEIGHT_CRC, {"WEIGHT_CRC": 1}),
    (ErrorCode.TABLE_CRC, {"TABLE_CRC": 1})])
def test_header(code, header):
    expect(code, one_tile().contents(**header))


@pytest.mark.parametrize(("memory", "code"), [("program", ErrorCode.PROGRAM_CRC), ("weights", ErrorCode.WEIGHT_CRC),
                                              ("values", ErrorCode.TABLE_CRC), ("runs", ErrorCode.TABLE_CRC)])
def test_one_wrong_bit(memory, code):
    program = one_tile()
    program.weights, program.values, program.runs = [5, 6], [1, 2, 3], [7]
    words = {name: list(words) for name, words in program.contents().by_name.items()}
    words[memory][-1] ^= 2
    expect(code, MemoryContents(**words))


@pytest.mark.parametrize("layer", [
    {"channels_out": 0}, {"shift": 0}, {"shift": 41}, {"parts_log2": 3}, {"columns": 0}, {"columns": 15},
    {"kernel_taps": 0}, {"kernel_taps": 65}, {"out_columns": 0}, {"out_columns": 15}, {"out_parts_log2": 3},
    {"source": Source.STREAM, "channels_in": 0, "group_channels": 1}, {"source": Source.STREAM, "channels_in": 1}])
def test_bad_tile_layer(layer):
    expect(ErrorCode.BAD_INSTRUCTION, one_tile(layer).contents(), pc=8)


@pytest.mark.parametrize(("tile", "code"), [
    ({"rows": 5}, ErrorCode.BAD_INSTRUCTION), ({"row": 2, "rows": 3}, ErrorCode.BAD_INSTRUCTION),
    ({"address": 62}, ErrorCode.ADDRESS_RANGE), ({"slots": [(62, 1)]}, ErrorCode.ADDRESS_RANGE)])
def test_bad_tile(tile, code):
    expect(code, one_tile(tile=tile).contents(), pc=8)


def test_slot_without_rows_is_not_read():
    run(one_tile(tile={"slots": [(62, 0)]}).contents())


@pytest.mark.parametrize("opcode", [5, 6, 7])
def test_opcode_that_does_not_exist(opcode):
    contents = one_tile().contents()
    body = list(contents.program[8:])
    body[0] = body[0] & ~7 | opcode
    expect(ErrorCode.BAD_INSTRUCTION, with_header(CFG, body, [], [], []), pc=8)


def test_program_without_end():
    program = one_tile()
    contents = program.contents()
    expect(ErrorCode.PROGRAM_RANGE, with_header(CFG, contents.program[8:10], [], [], []), pc=8)


def sparse_layer(program: Assembler, weight: np.ndarray, codes=(FLAT, FLAT), **changes) -> None:
    fields = program.sparse_weights(weight, codes)
    layer = program.layer(source=Source.STREAM, kernel=[{}], columns=14, out_columns=14, channels_out=len(weight),
                          channels_in=weight.shape[1], group_channels=len(weight), codes=codes, **{**fields, **changes})
    program.tile(layer, address=40, rows=4, slots=[(8, 4)])


WEIGHT = np.array([[[5], [0], [6]], [[0], [0], [7]]], np.int8)


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


def test_accumulator_overflow():
    program = Assembler(CFG)
    sparse_layer(program, np.full((1, 16, 1), 127, np.int8))
    emulator = Emulator(CFG, program.contents())
    emulator.memories.activations[:] = 255
    with pytest.raises(InvariantError, match="an accumulator of output channel 0 overflows 18 bits"):
        emulator.run_frame(NO_IMAGE)


def test_average_overflow_and_channels():
    summed = {"destination": Destination.AVERAGE, "out_columns": 14}
    program = one_tile(summed, {"first": 1})
    for _ in range(5):
        program.tile(0, rows=4, slots=[(8, 4)])
    emulator = Emulator(CFG, program.contents())
    emulator.memories.activations[:] = 255
    with pytest.raises(InvariantError, match="overflows 16 bits"):
        emulator.run_frame(NO_IMAGE)
    with pytest.raises(InvariantError, match="9 channels, but there are 8 channel sums"):
        run(one_tile({**summed, "channels_out": 9}, {"first": 1}).contents())


@pytest.mark.parametrize(("address", "fine"), [(8, True), (7, True), (9, False), (10, False), (11, True)])
def test_results_over_operands(address, fine):
    """Channel o may replace what only channels up to o read."""
    program = one_tile(tile={"address": address})
    if fine:
        run(program.contents())
    else:
        with pytest.raises(InvariantError, match="which later channels read as slot 0"):
            run(program.contents())


def test_results_over_operands_of_a_convolution():
    program = Assembler(CFG)
    sparse_layer(program, WEIGHT)
    program.instructions[0]["address"] = 8
    with pytest.raises(InvariantError, match="output channel 0 is written to word 8, which later channels read"):
        run(program.contents())


def test_output_opcode_rules():
    program = Assembler(CFG)
    layer = program.layer(columns=14, channels_out=1)
    program.emit(Opcode.OUTPUT, layer, [(8, 0)])
    assert expect(ErrorCode.BAD_INSTRUCTION, program.contents(), pc=8) == "OUTPUT: no rows"
