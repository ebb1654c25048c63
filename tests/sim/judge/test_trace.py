"""Comparing the Verilog's write log with the emulator's trace."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Opcode, Source
from firelane.sim.emulator import Emulator
from firelane.sim.judge.trace import first_trace_difference
from firelane.sim.judge.write_log import read_write_log
from tests.sim.emulator.assembler import Assembler
from tests.steps import frames_of

CFG = EngineConfig(banks=2, activation_words=64, weight_words=64, program_words=256)


def traced_frame():
    """A LOAD and two TILEs, the first of which keeps every second pixel."""
    program = Assembler(CFG)
    load = program.layer(image_columns=14, channels_in=2)
    window = {"source": Source.WINDOW, "kernel": [{"weight": 1}], "columns": 14, "channels_out": 2}
    half, whole = program.layer(**window, subsample=1, out_columns=7), program.layer(**window, out_columns=14)
    program.emit(Opcode.LOAD, load, [(0, 2)], address=8, rows=2, last=1)
    program.tile(half, wait_load=1, address=20, rows=1, slots=[(8, 2)])
    program.tile(whole, address=30, rows=2, slots=[(8, 2)])
    return Emulator(CFG, program.contents()).run_frame(np.arange(56, dtype=np.uint8), trace=True).trace


def log_lines(trace, cycle: int = 100) -> list[str]:
    """What the test bench would log for an emulated frame."""
    lines = []
    for step in trace:
        lines.append(f"tile_start {cycle} {step.instruction.pc}")
        writes = step.writes
        for n in range(0 if step.instruction.opcode is Opcode.LOAD else len(writes)):
            data = "".join(f"{value:02x}" for value in writes.data[n][::-1])
            lines.append(f"write {cycle + n} {writes.bank[n]} {writes.address[n]} {writes.enable[n]:04x} {data}")
        lines.append(f"tile_done {cycle + 50} {step.instruction.pc}")
        cycle += 60
    return lines


@pytest.fixture
def trace():
    return traced_frame()


def read(tmp_path, lines):
    path = tmp_path / "writes"
    path.write_text("\n".join(lines) + "\n")
    return read_write_log(path)


def test_round_trip(tmp_path, trace):
    steps = read(tmp_path, log_lines(trace) * 2)
    assert [len(frame) for frame in frames_of(steps)] == [3, 3]
    for frame in frames_of(steps):
        assert first_trace_difference(trace, frame) is None


@pytest.mark.parametrize(("old", "new", "message"), [
    ("write 161 0 21 007f", "write 161 0 21 007e", r"instruction 1 \(TILE at word 10\): write 1: "
     r"expected word 21 bank 0 \[.*\], got word 21 bank 0 \[  - .*\]"),
    ("write 160 0 20", "write 160 1 20", r"instruction 1 .*: write 0: .*, got word 20 bank 1 .*"),
    ("tile_done 210 10", "tile_done 210 14", r"instruction 1 \(TILE at word 10\): the engine runs word 14 instead")])
def test_differences(tmp_path, trace, old, new, message):
    text = "\n".join(log_lines(trace))
    assert old in text
    text = text.replace(old, new)
    found = first_trace_difference(trace, read(tmp_path, [line for line in text.split("\n") if line]))
    assert found is not None and re.fullmatch(message, found), found


def test_pixels_that_are_not_enabled_do_not_count(tmp_path, trace):
    steps = read(tmp_path, log_lines(trace))
    pc, writes = steps[1]
    noisy = writes.data.copy()
    noisy[:, 7:] ^= 0xFF
    steps[1] = (pc, replace(writes, data=noisy))
    assert first_trace_difference(trace, steps) is None


def test_missing_and_extra_writes(tmp_path, trace):
    lines = log_lines(trace)
    assert "2 writes are expected, the engine made 1" in first_trace_difference(
        trace, read(tmp_path, [line for line in lines if not line.startswith("write 161 ")]))
    assert first_trace_difference(trace, read(tmp_path, lines)[:2]) == "3 instructions are expected, the engine ran 2"
