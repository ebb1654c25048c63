"""Predicts when each instruction of a frame begins and ends, from the promises of `hw/contract/timing.py`.

    every        fetch of the instruction, and of descriptor and tables if they are not here yet; then START_LAG
    TILE         decoder start + sum over output channels of max(taps, drain_cycles) + address + tail of the data path
    LOAD         1; then a pixel a cycle beside what follows, if the image keeps up
    AVERAGE      a channel a cycle + settling and tail
    OUTPUT       a byte a cycle + latency
    wait_load    and a LOAD after a LOAD, and END: not before the load under way is complete

Approximations: image bytes are always there and results are always taken; the loader is never held up by the drain,
with which it shares the write port; an AVERAGE into the result stream takes as long as one into memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from firelane.hw.contract import timing
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Destination, Source
from firelane.sim.emulator.decode import DescriptorFields, Instruction


@dataclass(frozen=True)
class InstructionCycles:
    """The time in which an instruction ran, in cycles from the start of the frame.

    `start`: its fetch begins; `end`: the next fetch begins; `waited`: of these, cycles that it waited for a load.
    """

    pc: int
    start: int
    end: int
    waited: int


def tile_cycles(cfg: EngineConfig, fields: DescriptorFields, taps: np.ndarray) -> int:
    """Cycles of a TILE from its start until everything is written; `taps` int64 (channels,)."""
    streamed, averages = fields.source is Source.STREAM, fields.destination is Destination.AVERAGE
    return (timing.tap_path_cycles(cfg, taps.tolist(), streamed=streamed, dense=bool(fields.dense))
            + timing.tile_tail_cycles(cfg, averages))


def load_cycles(instruction: Instruction, fields: DescriptorFields) -> int:
    """Cycles of a LOAD from its start until its last pixel is written."""
    return timing.load_cycles(map_rows=instruction.slots[0].rows, image_columns=fields.image_columns,
                              channels=fields.channels_in, space_to_depth=bool(fields.space_to_depth))


def output_cycles(instruction: Instruction, fields: DescriptorFields) -> int:
    """Cycles of an OUTPUT from its start to its last byte."""
    return timing.output_cycles(channels=fields.channels_out, rows=instruction.slots[0].rows, columns=fields.columns)


@dataclass
class Timeline:
    """The instructions of a frame one after the other, with a load beside them.

    `now` is the cycle that the simulation of the frame has come to, `load_end` the first one in which the loader is
    idle again, `waited` what the instruction in hand has waited for it.
    """

    cfg: EngineConfig
    now: int = 0
    load_end: int = 0
    waited: int = 0
    done: list[InstructionCycles] = field(default_factory=list)

    def fetch(self, descriptor_words: int) -> None:
        """Fetch an instruction, with its descriptor or 0 words of it."""
        self.now += timing.fetch_cycles(self.cfg, descriptor_words)

    def wait_for_load(self, settle: int = 0) -> None:
        """Before START_LAG ends: go on when no load has been under way for `settle` cycles."""
        check = self.now + timing.START_LAG - 1
        self.waited = max(self.load_end + (settle if self.load_end else 0) - check, 0)
        self.now += self.waited

    def start(self) -> None:
        """The instruction starts, having waited if it must."""
        self.now += timing.START_LAG

    def start_load(self, cycles: int) -> None:
        """A load of so many cycles begins; the program goes on."""
        self.load_end = self.now + cycles + 1
        self.now += 1

    def spend(self, cycles: int) -> None:
        self.now += cycles

    def finish(self, pc: int) -> None:
        """The instruction at `pc` is through."""
        self.now += timing.NEXT_LAG
        start = self.done[-1].end if self.done else 0
        self.done.append(InstructionCycles(pc, start, self.now, self.waited))
        self.waited = 0

    def finish_frame(self) -> int:
        """END; returns the cycles of the frame. The first instruction begins one cycle after the frame."""
        self.fetch(0)
        self.wait_for_load(timing.LOAD_SETTLE_CYCLES)
        return self.now + timing.END_LAG + 1
