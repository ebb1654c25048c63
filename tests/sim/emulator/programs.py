"""Small programs that one change makes wrong, and what is expected of them."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import Source
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.sim.emulator import Emulator, EngineError
from tests.sim.emulator.assembler import FLAT, Assembler

CFG = EngineConfig(banks=4, activation_words=64, weight_words=64, program_words=256, accumulator_bits=18,
                   average_bits=16, average_channels=8)
NO_IMAGE = np.zeros(0, np.uint8)
WEIGHT = np.array([[[5], [0], [6]], [[0], [0], [7]]], np.int8)


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


def sparse_layer(program: Assembler, weight: np.ndarray, codes=(FLAT, FLAT), **changes) -> None:
    fields = program.sparse_weights(weight, codes)
    layer = program.layer(source=Source.STREAM, kernel=[{}], columns=14, out_columns=14, channels_out=len(weight),
                          channels_in=weight.shape[1], group_channels=len(weight), codes=codes, **{**fields, **changes})
    program.tile(layer, address=40, rows=4, slots=[(8, 4)])
