"""An emulated frame, and the write log that the bench would make of it."""

from __future__ import annotations

import numpy as np

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Opcode, Source
from firelane.sim.emulator import Emulator
from firelane.sim.judge.write_log import read_write_log
from tests.sim.emulator.assembler import Assembler

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


def read(tmp_path, lines):
    path = tmp_path / "writes"
    path.write_text("\n".join(lines) + "\n")
    return read_write_log(path)
