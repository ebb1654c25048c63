"""The checks of the memories before the first frame."""

from __future__ import annotations

import pytest

from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import FORMAT_VERSION, MAGIC
from firelane.hw.contract.memory_contents import MemoryContents
from tests.sim.emulator.programs import expect, one_tile


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
