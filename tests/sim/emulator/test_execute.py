"""Sums that overflow."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.hw.contract.instruction import Destination
from firelane.sim.emulator import Emulator, InvariantError
from tests.sim.emulator.assembler import Assembler
from tests.sim.emulator.programs import CFG, NO_IMAGE, one_tile, run, sparse_layer


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
