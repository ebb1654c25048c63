"""Accesses whose outcome would depend on timing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firelane.hw.contract.instruction import Destination, Opcode, Source
from firelane.sim.emulator import Emulator, InvariantError
from tests.sim.emulator.assembler import Assembler
from tests.sim.emulator.programs import CFG, WEIGHT, one_tile, run, sparse_layer
from tests.sim.emulator.test_tile import config, fetched


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


@pytest.mark.parametrize("wait", [0, 1])
def test_tile_beside_a_load(wait):
    """A tile that reads what is being loaded must wait for it."""
    program = Assembler(config(4))
    load = program.layer(image_columns=14, channels_in=1)
    tile = program.layer(source=Source.WINDOW, kernel=[{"weight": 1}], columns=14, out_columns=14, channels_out=1)
    program.emit(Opcode.LOAD, load, [(0, 4)], address=16, rows=4, last=1)
    program.tile(tile, wait_load=wait, address=40, rows=4, slots=[(16, 4)])
    emulator = Emulator(program.cfg, program.contents())
    image = np.arange(56, dtype=np.uint8)
    if wait:
        cycles = emulator.run_frame(image).cycles
        assert cycles[1].waited > 0
        np.testing.assert_array_equal(fetched(emulator.memories.activations, 40, (1, 4, 14), 0)[0],
                                      image.reshape(4, 14))
    else:
        with pytest.raises(InvariantError, match=r"uses words 16 \.\. 16 while the load of words 16 \.\. 16 is under"):
            emulator.run_frame(image)


BESIDE = r"loads words {0} \.\. {1} beside a tile that uses words {0} \.\. {1}"


@pytest.mark.parametrize(("address", "row", "between", "words"), [
    (8, 0, (), (8, 9)), (40, 0, (), (40, 41)), (20, 0, (), None), (8, 2, (), None), (40, 2, (), (40, 41)),
    (8, 0, (Opcode.OUTPUT,), None), (8, 0, (Opcode.LOAD,), (8, 9))])
def test_load_beside_a_tile(address, row, between, words):
    """The tile reads words 8 and 9, rows 0 and 1, and writes words 40 and 41; a load in between changes nothing."""
    program = Assembler(config(4))
    load = program.layer(image_columns=14, channels_in=2)
    tile = program.layer(source=Source.WINDOW, kernel=[{"weight": 1}], columns=14, out_columns=14, channels_out=2)
    output = program.layer(channels_out=1, columns=14)
    program.tile(tile, address=40, rows=4, slots=[(8, 2)])
    for opcode in between:
        if opcode is Opcode.OUTPUT:
            program.emit(opcode, output, [(60, 1)], last=1)
        else:
            program.emit(opcode, load, [(0, 2)], address=30, rows=2, beside=1)
    program.emit(Opcode.LOAD, load, [(0, 2)], address=address, row=row, rows=2, last=1, beside=1)
    emulator = Emulator(program.cfg, program.contents())
    image = np.zeros(56 * (1 + between.count(Opcode.LOAD)), np.uint8)
    if words is None:
        emulator.run_frame(image)
    else:
        with pytest.raises(InvariantError, match=BESIDE.format(*words)):
            emulator.run_frame(image)


@pytest.mark.parametrize(("taps", "wait"), [(1, 0), (2, 0), (2, 1)])
def test_averages_beside_a_load(taps, wait):
    """With two taps a cycle both would write through the same port."""
    program = Assembler(replace(config(4), taps_per_cycle=taps))
    load = program.layer(image_columns=14, channels_in=2)
    average = program.layer(channels_out=3, destination=Destination.MEMORY)
    program.emit(Opcode.LOAD, load, [(0, 2)], address=30, rows=2, last=1)
    program.emit(Opcode.AVERAGE, average, address=50, wait_load=wait)
    emulator = Emulator(program.cfg, program.contents())
    if taps == 1 or wait:
        emulator.run_frame(np.zeros(56, np.uint8))
    else:
        with pytest.raises(InvariantError, match=r"stores averages while the load of words 30 \.\. 31 is under way"):
            emulator.run_frame(np.zeros(56, np.uint8))


def test_tile_beside_a_load_of_other_rows():
    """Only banks that lanes really read count."""
    program = Assembler(config(4))
    load = program.layer(image_columns=14, channels_in=1)
    tile = program.layer(source=Source.WINDOW, kernel=[{"weight": 1}], columns=14, out_columns=14, channels_out=1)
    program.emit(Opcode.LOAD, load, [(0, 2)], address=16, row=2, rows=2, last=1)
    program.tile(tile, address=40, rows=2, slots=[(16, 2)])
    Emulator(program.cfg, program.contents()).run_frame(np.zeros(28, np.uint8))
