"""The checks of instructions and of addresses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import Destination, Opcode, Operation, Source
from firelane.sim.emulator import EngineError
from tests.sim.emulator.assembler import Assembler
from tests.sim.emulator.programs import CFG, expect, one_tile, run


@pytest.mark.parametrize("layer", [
    {"channels_out": 0}, {"shift": 0}, {"shift": 41}, {"parts_log2": 3}, {"columns": 0}, {"columns": 15},
    {"kernel_taps": 0}, {"kernel_taps": 65}, {"out_columns": 0}, {"out_columns": 15}, {"out_parts_log2": 3},
    {"source": Source.STREAM, "channels_in": 0, "group_channels": 1}, {"source": Source.STREAM, "channels_in": 1}])
def test_bad_tile_layer(layer):
    expect(ErrorCode.BAD_INSTRUCTION, one_tile(layer).contents(), pc=8)


BLOCKS = {"operation": Operation.MAXIMUM, "subsample": 1, "dense": 1}


@pytest.mark.parametrize("change", [{"operation": Operation.MULTIPLY}, {"subsample": 0}, {"row_phase": 1},
                                    {"column_phase": 1}, {"destination": Destination.AVERAGE}])
def test_blocks_that_cannot_be_merged(change):
    """With two taps a cycle; an engine of one does not look at `dense` in a window."""
    two = replace(CFG, taps_per_cycle=2)
    run(one_tile(BLOCKS, {"rows": 2}, two).contents(), two)
    run(one_tile(BLOCKS | change, {"rows": 2}).contents())
    with pytest.raises(EngineError, match="blocks of lanes that cannot be merged"):
        run(one_tile(BLOCKS | change, {"rows": 2}, two).contents(), two)


@pytest.mark.parametrize(("tile", "code"), [
    ({"rows": 5}, ErrorCode.BAD_INSTRUCTION), ({"row": 2, "rows": 3}, ErrorCode.BAD_INSTRUCTION),
    ({"address": 62}, ErrorCode.ADDRESS_RANGE), ({"slots": [(62, 1)]}, ErrorCode.ADDRESS_RANGE)])
def test_bad_tile(tile, code):
    expect(code, one_tile(tile=tile).contents(), pc=8)


def test_slot_without_rows_is_not_read():
    run(one_tile(tile={"slots": [(62, 0)]}).contents())


def test_output_opcode_rules():
    program = Assembler(CFG)
    layer = program.layer(columns=14, channels_out=1)
    program.emit(Opcode.OUTPUT, layer, [(8, 0)])
    assert expect(ErrorCode.BAD_INSTRUCTION, program.contents(), pc=8) == "OUTPUT: no rows"
