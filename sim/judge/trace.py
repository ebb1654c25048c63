"""Comparing what the Verilog wrote with what the emulator wrote: write for write, in order.

`sim.judge.write_log` reads the log of `sim/simulator/testbench.v`. The loader's writes are not in it: when they come
depends on the image stream.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from firelane.hw.contract.config import BANK_PIXELS
from firelane.hw.contract.instruction import Opcode
from firelane.sim.emulator import InstructionTrace, Writes
from firelane.sim.judge.compare import Step


def first_trace_difference(expected: Sequence[InstructionTrace], got: Sequence[Step]) -> str | None:
    """The place where a frame of the Verilog departs from the emulator's: one line of text, or None.

    Instructions, and for each of them the number of its writes, their order, addresses, banks, enables and enabled
    pixels are compared.
    """
    for number, (want, (pc, writes)) in enumerate(zip(expected, got, strict=False)):
        instruction = want.instruction
        where = f"instruction {number} ({instruction.opcode.name} at word {instruction.pc})"
        if pc != instruction.pc:
            return f"{where}: the engine runs word {pc} instead"
        if instruction.opcode is not Opcode.LOAD and (found := _difference(want.writes, writes)):
            return f"{where}: {found}"
    if len(expected) != len(got):
        return f"{len(expected)} instructions are expected, the engine ran {len(got)}"
    return None


def _difference(want: Writes, have: Writes) -> str | None:
    """The first difference of two lists of writes."""
    common = min(len(want), len(have))
    enabled = (want.enable[:common, None] >> np.arange(BANK_PIXELS)) & 1 == 1
    wrong = np.any((want.data[:common] != have.data[:common]) & enabled, axis=1)
    for name in ("address", "bank", "enable"):
        wrong |= getattr(want, name)[:common] != getattr(have, name)[:common]
    if wrong.any():
        number = int(np.argmax(wrong))
        return f"write {number}: expected {_describe(want, number)}, got {_describe(have, number)}"
    if len(want) != len(have):
        return f"{len(want)} writes are expected, the engine made {len(have)}"
    return None


def _describe(writes: Writes, number: int) -> str:
    pixels = " ".join(f"{value:3d}" if writes.enable[number] >> pixel & 1 else "  -"
                      for pixel, value in enumerate(writes.data[number].tolist()))
    return f"word {writes.address[number]} bank {writes.bank[number]} [{pixels}]"
