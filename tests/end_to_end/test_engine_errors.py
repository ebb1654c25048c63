"""Nothing wrong passes silently: damaged memories and wrong images stop the Verilog with the right error code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from firelane.compiler.frame_io.stream import stream_bytes
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.tiles.layers import TileLayer
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import (
    CODE_WORDS,
    COLUMN_MOVE_BITS,
    DESCRIPTOR_WORDS,
    HEADER_WORDS,
    Header,
    instruction_layout,
    instruction_words,
)
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.sim.emulator import Emulator, EngineError
from firelane.sim.emulator.contents_check import crc_of_words
from firelane.sim.verilog import run as bench
from firelane.sim.verilog.loading import CSR_COUNT, ERROR_REGISTER, engine_error, error_text, load_script
from firelane.sim.verilog.run import Stimulus, Verdict
from tests.networks import random_image
from tests.simulators import random_network, simulator


@dataclass(frozen=True)
class Case:
    """A sound program and an image for it."""

    compiled: Compiled
    contents: MemoryContents
    image: bytes


@pytest.fixture(scope="module")
def case() -> Case:
    rng = np.random.default_rng(6)
    compiled = random_network(rng, 2)
    return Case(compiled, compiled.program.contents, stream_bytes(random_image(rng, compiled.graph)))


def flipped(words: Sequence[int], index: int, bit: int) -> list[int]:
    """`words` with one bit inverted."""
    changed = list(words)
    changed[index] ^= 1 << bit
    return changed


def with_program(contents: MemoryContents, changes: dict[int, int], *, sound: bool = True) -> MemoryContents:
    """Other program words; `sound`: with a CRC that fits them."""
    program = list(contents.program)
    for index, word in changes.items():
        program[index] = word
    if sound:
        program[Header.PROGRAM_CRC] = crc_of_words(program[Header.WEIGHT_LENGTH:])
    return replace(contents, program=program)


def run(case: Case, contents: MemoryContents, image: bytes, directory) -> bench.Outcome:
    stimulus = Stimulus(script=load_script(contents), images=[image], verdict=Verdict.ENGINE_ERROR,
                        error_register=ERROR_REGISTER, csr_count=CSR_COUNT, timeout_cycles=200_000)
    return bench.run(simulator(case.compiled.cfg), stimulus, directory)


def check(case: Case, contents: MemoryContents, image: bytes, code: ErrorCode, directory) -> None:
    """The Verilog stops with `code`, at the instruction at which the emulator does, and sends no result."""
    outcome = run(case, contents, image, directory)
    assert outcome.verdict is Verdict.ENGINE_ERROR
    with pytest.raises(EngineError) as stopped:
        Emulator(case.compiled.cfg, contents).run_frame(np.frombuffer(image, np.uint8))
    assert stopped.value.code is code
    assert engine_error(outcome.csrs)[0] is code, error_text(outcome.csrs)
    assert engine_error(outcome.csrs)[1] == stopped.value.pc
    assert outcome.results == []


def test_damaged_weight(case, tmp_path):
    damaged = replace(case.contents, weights=flipped(case.contents.weights, len(case.contents.weights) // 2, 35))
    check(case, damaged, case.image, ErrorCode.WEIGHT_CRC, tmp_path)


def test_damaged_program(case, tmp_path):
    damaged = replace(case.contents, program=flipped(case.contents.program, HEADER_WORDS + 1, 20))
    check(case, damaged, case.image, ErrorCode.PROGRAM_CRC, tmp_path)


@pytest.mark.parametrize("table", ["values", "runs"])
def test_damaged_table(case, table, tmp_path):
    words = getattr(case.contents, table)
    check(case, replace(case.contents, **{table: flipped(words, len(words) - 1, 3)}), case.image, ErrorCode.TABLE_CRC,
          tmp_path)


def test_program_of_another_format(case, tmp_path):
    identity = case.contents.program[Header.IDENTITY] + 1
    check(case, with_program(case.contents, {Header.IDENTITY: identity}), case.image, ErrorCode.BAD_IDENTITY, tmp_path)


def test_program_for_another_engine(case, tmp_path):
    digest = case.contents.config_digest ^ 1
    check(case, with_program(case.contents, {Header.CONFIG_DIGEST: digest}), case.image, ErrorCode.CONFIG_MISMATCH,
          tmp_path)


def test_bad_opcode(case, tmp_path):
    opcode = instruction_layout(case.compiled.cfg)["opcode"]
    mask = ((1 << opcode.width) - 1) << opcode.offset
    place = HEADER_WORDS + instruction_words(case.compiled.cfg)
    word = case.contents.program[place] | mask
    check(case, with_program(case.contents, {place: word}), case.image, ErrorCode.BAD_INSTRUCTION, tmp_path)


def test_column_move_that_the_engine_has_not(case, tmp_path):
    """One to the right of the farthest, in the first kernel table of the program."""
    cfg, program = case.compiled.cfg, case.compiled.program
    layers = zip(program.descriptor_addresses, program.network.layers)
    address, layer = next((address, layer) for address, layer in layers if isinstance(layer, TileLayer))
    place = address + DESCRIPTOR_WORDS + (0 if layer.weights is None else CODE_WORDS)
    word = case.contents.program[place] >> COLUMN_MOVE_BITS << COLUMN_MOVE_BITS | cfg.columns_right + 1
    check(case, with_program(case.contents, {place: word}), case.image, ErrorCode.BAD_INSTRUCTION, tmp_path)


def test_program_without_end(case, tmp_path):
    """The header ends the program in the middle of its instructions."""
    length = HEADER_WORDS + instruction_words(case.compiled.cfg) // 2
    program = list(with_program(case.contents, {Header.PROGRAM_LENGTH: length}, sound=False).program)
    program[Header.PROGRAM_CRC] = crc_of_words(program[Header.WEIGHT_LENGTH:length])
    check(case, replace(case.contents, program=program), case.image, ErrorCode.PROGRAM_RANGE, tmp_path)


def test_short_image(case, tmp_path):
    check(case, case.contents, case.image[:-1], ErrorCode.IMAGE_SHORT, tmp_path)


def test_long_image(case, tmp_path):
    check(case, case.contents, case.image + b"\0", ErrorCode.IMAGE_LONG, tmp_path)
