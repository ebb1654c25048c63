"""Which instructions a window is of."""

from __future__ import annotations

import pytest

from firelane.compiler.compile import compile_model
from firelane.compiler.program.emit import Program
from firelane.compiler.support.errors import ConfigError
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Opcode
from firelane.models.catalogue import EMBEDDED
from firelane.sim.judge.layer_cycles import whole_name
from firelane.sim.waves.window import window_of


@pytest.fixture(scope="module")
def program() -> Program:
    return compile_model(EMBEDDED["digits"], EngineConfig(trace=True)).program


def addresses(program: Program, layer: str) -> list[int]:
    return [note.address for note in program.notes if whole_name(note.layer) == layer]


def test_a_layer_and_its_instructions(program):
    conv1 = addresses(program, "conv1")
    assert len(conv1) > 2 and window_of(program, "conv1") == (conv1[0], conv1[-1])
    assert window_of(program, "conv1:3") == (conv1[2], conv1[2])


def test_the_frame_and_the_run(program):
    rest = [note.address for note in program.notes if note.opcode is not Opcode.END]
    assert window_of(program, "frame") == (rest[0], rest[-1]) and window_of(program, "all") is None


@pytest.mark.parametrize("text, message", [
    ("conv", r"^waves: conv: no such layer; did you mean conv1"),
    ("conv1:0", r"conv1 has \d+ instructions; conv1:1 to"), ("conv1:999", r"conv1 has \d+ instructions"),
    ("conv1:x", r"conv1 has \d+ instructions"),
    ("nothing", "no such layer; one of all, frame, load")])
def test_what_there_is_not(program, text, message):
    with pytest.raises(ConfigError, match=message):
        window_of(program, text)
