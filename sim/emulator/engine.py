"""The emulator: an engine that runs the words of a program one instruction after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import HEADER_WORDS, Header, Opcode
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.hw.contract.timeline import InstructionCycles, Timeline
from firelane.sim.emulator.check import check_instruction
from firelane.sim.emulator.contents_check import check_contents
from firelane.sim.emulator.decode import Instruction, decode_instruction, instruction_length
from firelane.sim.emulator.execute import Machine
from firelane.sim.emulator.faults import EngineError
from firelane.sim.emulator.layers import LayerCache
from firelane.sim.emulator.loader import ImageStream
from firelane.sim.emulator.memory import WorkingMemories, Writes


@dataclass(frozen=True, eq=False)
class InstructionTrace:
    """What one instruction did: its writes to the activation memory in order, and the result bytes it sent."""

    instruction: Instruction
    writes: Writes
    result: bytes


@dataclass(frozen=True, eq=False)
class FrameResult:
    """One frame.

    `result`: the bytes of the result stream; `cycles`: the prediction for each instruction that ran, in order, END
    left out; `total_cycles`: of the frame, with END; `trace`: of each instruction but END, if asked for.
    """

    result: bytes
    cycles: tuple[InstructionCycles, ...]
    total_cycles: int
    trace: tuple[InstructionTrace, ...] = ()

    @property
    def waiting_cycles(self) -> int:
        """Cycles of the total in which instructions wait for the image, which comes as fast as it is taken."""
        return sum(instruction.waited for instruction in self.cycles)


class Emulator:
    """A Firelane engine without a clock: same words, same memories, same results as the hardware.

    Parameters
    ----------
    cfg : EngineConfig
    contents : MemoryContents
        What the load port has written.
    seed : int
        Seed of the garbage that the memories hold at first.
    """

    def __init__(self, cfg: EngineConfig, contents: MemoryContents, *, seed: int = 0):
        self.cfg = cfg
        self.memories = WorkingMemories(cfg, seed)
        self._contents = contents
        self._length = 0
        self._layers: LayerCache | None = None
        self._program: dict[int, Instruction] = {}

    def run_frame(self, image: np.ndarray, *, trace: bool = False) -> FrameResult:
        """Run the program up to END on one image.

        Parameters
        ----------
        image : uint8, (rows, columns, channels) or flat
            The bytes of s_axis.
        trace : bool
            Record every write to the activation memory.

        Raises
        ------
        EngineError
            With the code that the hardware would report.
        InvariantError
            Where the hardware would go on with a wrong or an uncertain result.
        """
        if image.dtype != np.uint8:
            raise TypeError(f"image must be uint8, not {image.dtype}")
        if self._layers is None:
            check_contents(self._contents, self.cfg)
            self._length = self._contents.program[Header.PROGRAM_LENGTH]
            self._layers = LayerCache(self.cfg, self._contents, self._length)
        stream = ImageStream(np.ascontiguousarray(image).reshape(-1))
        return self._run(Machine(self.cfg, self._layers, self.memories, stream, Timeline(self.cfg), trace))

    def instruction(self, pc: int) -> Instruction:
        """The instruction at word `pc`, once the program has been checked."""
        if pc not in self._program:
            if pc + instruction_length(self.cfg) > self._length:
                raise EngineError(ErrorCode.PROGRAM_RANGE, pc, f"the program ends at word {self._length}")
            try:
                self._program[pc] = decode_instruction(self._contents.program, pc, self.cfg)
            except ValueError as error:
                raise EngineError(ErrorCode.BAD_INSTRUCTION, pc, str(error)) from None
        return self._program[pc]

    def _run(self, machine: Machine) -> FrameResult:
        timeline, here, pc = machine.timeline, None, HEADER_WORDS
        trace: list[InstructionTrace] = []
        while (instruction := self.instruction(pc)).opcode is not Opcode.END:
            fields = machine.layers.fields(instruction.layer, pc)
            here = self._fetch(machine, instruction, here)
            check_instruction(instruction, fields, self.cfg)
            sent = len(machine.result)
            writes = machine.execute(instruction, fields)
            if machine.tracing:
                trace.append(InstructionTrace(instruction, writes, bytes(machine.result[sent:])))
            timeline.finish(pc)
            pc += instruction_length(self.cfg)
        total = timeline.finish_frame()
        return FrameResult(bytes(machine.result), tuple(timeline.done), total, tuple(trace))

    def _fetch(self, machine: Machine, instruction: Instruction, here: tuple[int, bool] | None) -> tuple[int, bool]:
        """Count the fetch of an instruction, with its descriptor if that is not `here`: (address, with tables).

        Returns the descriptor that is here afterwards.
        """
        tile, words = instruction.opcode is Opcode.TILE, 0
        if here is None or here[0] != instruction.layer or (tile and not here[1]):
            words = machine.layers.words(instruction.layer, tile)
            here = (instruction.layer, tile)
        machine.timeline.fetch(words)
        return here
