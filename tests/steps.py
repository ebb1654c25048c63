"""What instructions did, as `sim.judge.compare` takes it, from the emulator and frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from firelane.hw.contract.instruction import HEADER_WORDS
from firelane.sim.emulator import InstructionTrace
from firelane.sim.judge.compare import Step


def frames_of(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """The steps of a log frame by frame: each begins at the first instruction of the program."""
    frame: list[Step] = []
    for step in steps:
        if step[0] == HEADER_WORDS and frame:
            yield frame
            frame = []
        frame.append(step)
    if frame:
        yield frame


def emulated_steps(trace: Iterable[InstructionTrace]) -> list[Step]:
    """The emulator's steps for `sim.judge.compare.first_difference`, loads included."""
    return [(step.instruction.pc, step.writes) for step in trace]
