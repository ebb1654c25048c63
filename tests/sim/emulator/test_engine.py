"""From instruction to instruction, until the program ends."""

from __future__ import annotations

import pytest

from firelane.hw.contract.error_code import ErrorCode
from tests.sim.emulator.assembler import with_header
from tests.sim.emulator.programs import CFG, expect, one_tile, run


def test_the_program_without_changes_runs():
    run(one_tile().contents())


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
