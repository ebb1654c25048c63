"""Which layer runs when."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.demo.timeline import timeline
from firelane.hw.contract.instruction import Opcode, instruction_words
from firelane.sim.emulator import Emulator
from firelane.sim.judge.layer_cycles import whole_name
from tests.boards.host.digits import CFG, compiled, pixels


@pytest.fixture(scope="module")
def found(model):
    return timeline(model)


def test_every_instruction_of_the_program(found, model):
    notes = compiled("digits").program.notes
    frame = Emulator(CFG, model.contents).run_frame(pixels(3).transpose(1, 2, 0))
    expected = [(note.address, whole_name(note.layer)) for note in notes]
    assert [(step.word, step.layer) for step in found.steps] == expected
    assert [(step.start, step.end) for step in found.steps] == [(one.start, one.end) for one in frame.cycles]


def test_layers(found):
    assert found.layers[0] == "load" and "fire2/squeeze1x1" in found.layers and len(found.layers) == len(found.cycles)
    assert sum(found.cycles) == sum(step.end - step.start for step in found.steps)


def test_by_program_word(found):
    for step in found.steps:
        assert found.layer_at_word(step.word) == step.layer
    assert found.layer_at_word(found.steps[-1].word + instruction_words(CFG)) is None


def test_by_cycle(found):
    lasting = [step for step in found.steps if step.end > step.start]   # loads beside a tile take no cycle
    assert len(lasting) > len(found.steps) // 2
    for step in lasting:
        assert found.layer_at_cycle(step.end - 1) == step.layer
    assert found.layer_at_cycle(1e9) == found.steps[-1].layer and found.layer_at_cycle(0) == "load"


def test_by_what_was_loaded(found):
    loads = [step.end for step in found.steps if step.opcode == Opcode.LOAD.name]
    assert [found.loaded(share) for share in (0, 0.5, 1)] == [loads[0], loads[len(loads) // 2], loads[-1]]
    assert np.all(np.diff([found.loaded(share) for share in np.linspace(0, 1, 9)]) >= 0)
