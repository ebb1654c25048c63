"""Which layer runs when, in cycles from the start of a frame and in words of the program."""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from firelane.compiler.artefact.file_names import MANIFEST
from firelane.compiler.artefact.reader import HostModel
from firelane.hw.contract.instruction import Opcode
from firelane.sim.emulator import Emulator
from firelane.sim.judge.layer_cycles import whole_name


@dataclass(frozen=True)
class Step:
    """An instruction: its program word, its opcode, its layer, and when it runs."""

    word: int
    opcode: str
    layer: str
    start: int
    end: int


@dataclass(frozen=True)
class Timeline:
    """The instructions of a frame, in their order."""

    steps: tuple[Step, ...]

    @cached_property
    def layers(self) -> list[str]:
        """Names of the layers, in the order in which they begin."""
        return list(dict.fromkeys(step.layer for step in self.steps))

    @cached_property
    def cycles(self) -> list[int]:
        """Cycles of each layer, all of its parts together."""
        return [sum(step.end - step.start for step in self.steps if step.layer == layer) for layer in self.layers]

    def layer_at_word(self, word: int) -> str | None:
        """The layer whose instruction is at a word of the program; None behind the last one."""
        return self._layers_of_words.get(word)

    def layer_at_cycle(self, cycle: float) -> str:
        """The layer that runs in a cycle; the last one after the frame."""
        number = bisect_right(self.steps, cycle, key=lambda step: step.end)
        return self.steps[min(number, len(self.steps) - 1)].layer

    def loaded(self, share: float) -> int:
        """The cycle in which a share of the image, from 0 to 1, has been loaded, if no line keeps it waiting."""
        loads = [step for step in self.steps if step.opcode == Opcode.LOAD.name]
        return loads[min(int(share * len(loads)), len(loads) - 1)].end if loads else 0

    @cached_property
    def _layers_of_words(self) -> dict[int, str]:
        return {step.word: step.layer for step in self.steps}


def timeline(model: HostModel) -> Timeline:
    """The timeline of a compiled network, from its folder, as the emulator predicts it: the same for every image."""
    notes = json.loads((model.folder / MANIFEST).read_text())["instructions"]
    tensor = model.graph.tensors[model.graph.input]
    blank = np.zeros((tensor.height, tensor.width, tensor.channels), np.uint8)
    frame = Emulator(model.engine, model.contents).run_frame(blank)
    return Timeline(tuple(Step(note["address"], note["opcode"], whole_name(note["layer"]), cycles.start, cycles.end)
                          for note, cycles in zip(notes, frame.cycles, strict=True)))
