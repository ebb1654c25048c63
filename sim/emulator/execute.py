"""What each instruction does to the engine's memories and streams."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from firelane.hw.contract.config import BANK_PIXELS, EngineConfig
from firelane.hw.contract.instruction import Destination, Opcode
from firelane.hw.contract.timeline import Timeline
from firelane.hw.contract.timing import average_cycles
from firelane.sim.emulator import cycles, hazards
from firelane.sim.emulator.check import check_words
from firelane.sim.emulator.decode import DescriptorFields, Instruction
from firelane.sim.emulator.drain import DrainPlan, drain_plan, requantize
from firelane.sim.emulator.faults import InvariantError
from firelane.sim.emulator.hazards import WordRange
from firelane.sim.emulator.layers import LayerCache
from firelane.sim.emulator.loader import ImageStream, load, loaded_words, output
from firelane.sim.emulator.memory import NO_WRITES, WorkingMemories, Writes
from firelane.sim.emulator.tile import PreparedLayer


@dataclass
class Machine:
    """The engine during one frame.

    `pending_load`: what a LOAD may still be writing; `at_work`: what the last tile may still be reading or writing;
    `result`: bytes sent so far; `tracing`: describe all writes.
    """

    cfg: EngineConfig
    layers: LayerCache
    memories: WorkingMemories
    image: ImageStream
    timeline: Timeline
    tracing: bool
    pending_load: WordRange | None = None
    at_work: list[WordRange] = field(default_factory=list)
    result: bytearray = field(default_factory=bytearray)

    def execute(self, instruction: Instruction, fields: DescriptorFields) -> Writes:
        """Do one instruction; returns its writes (none if not `tracing`)."""
        if instruction.wait_load or instruction.opcode is Opcode.LOAD:
            self.timeline.wait_for_load()
            self.pending_load = None
        match instruction.opcode:
            case Opcode.TILE:
                return self.tile(instruction, self.layers.tile(instruction.layer, instruction.pc))
            case Opcode.LOAD:
                return self.load(instruction, fields)
            case Opcode.AVERAGE:
                self.at_work = []               # it has waited
                return self.average(instruction, fields)
            case Opcode.OUTPUT:
                self.at_work = []
                return self.output(instruction, fields)
            case _:
                raise ValueError(f"{instruction.opcode} is not executed here")

    def load(self, instruction: Instruction, fields: DescriptorFields) -> Writes:
        words = loaded_words(fields)
        check_words(instruction.address, words, self.cfg, instruction.pc, "the map that is loaded")
        writes = load(self.image, instruction, fields, self.cfg)
        writes.apply(self.memories.activations)
        self.pending_load = WordRange(instruction.address, words, hazards.bank_mask(writes.bank))
        if instruction.beside:
            hazards.check_beside(instruction, self.pending_load, self.at_work)
        cycles.load(self.timeline, instruction, fields)
        return writes

    def tile(self, instruction: Instruction, layer: PreparedLayer) -> Writes:
        """A row group of a layer: all output channels."""
        fields, pc = layer.fields, instruction.pc
        plan = drain_plan(self.cfg, fields, instruction.row, instruction.rows)
        self._check_accesses(instruction, layer, plan)
        sums = layer.accumulate(layer.operands(self._slot_words(instruction, layer),
                                               tuple(slot.rows for slot in instruction.slots)))
        self._check_sums(sums, pc)
        pixels = requantize(sums, layer.parameters, fields)
        cycles.tile(self.timeline, fields, layer.taps)
        if fields.destination is Destination.AVERAGE:
            self._add_to_sums(instruction, pixels[:, plan.counted])
            return NO_WRITES
        words = self.memories.activations.reshape(-1, self.cfg.lanes)
        words[instruction.address:instruction.address + len(pixels), plan.places] = pixels[:, plan.lanes]
        return plan.writes(instruction.address, pixels) if self.tracing else NO_WRITES

    def average(self, instruction: Instruction, fields: DescriptorFields) -> Writes:
        """The requantized channel sums: result bytes, or pixel 0 of a word each."""
        channels = fields.channels_out
        check_channels(channels, self.cfg, instruction.pc)
        sums = self.memories.sums[:channels, None]
        pixels = requantize(sums, self.layers.parameters(instruction.layer, instruction.pc), fields)[:, 0]
        to_stream = fields.destination is Destination.AVERAGE
        self.timeline.spend(average_cycles(self.cfg, channels))
        if to_stream:
            self.result += pixels.tobytes()
            return NO_WRITES
        check_words(instruction.address, channels, self.cfg, instruction.pc, "the averages")
        hazards.check_average(self.pending_load, instruction, self.cfg)
        words = WordRange(instruction.address, channels, 1 << instruction.row)
        hazards.check_load(self.pending_load, instruction, [words])
        data = np.zeros((channels, BANK_PIXELS), np.uint8)
        data[:, 0] = pixels
        writes = Writes(instruction.address + np.arange(channels), np.full(channels, instruction.row),
                        np.ones(channels, np.int64), data)
        writes.apply(self.memories.activations)
        return writes

    def output(self, instruction: Instruction, fields: DescriptorFields) -> Writes:
        address, channels = instruction.slots[0].address, fields.channels_out
        check_words(address, channels, self.cfg, instruction.pc, "the map that is sent")
        words = WordRange(address, channels, (1 << self.cfg.banks) - 1)
        hazards.check_load(self.pending_load, instruction, [words])
        sent = output(self.memories.activations, instruction, fields, self.cfg)
        self.timeline.spend(cycles.output_cycles(instruction, fields))
        self.result += sent
        return NO_WRITES

    def _slot_words(self, instruction: Instruction, layer: PreparedLayer) -> dict[int, np.ndarray]:
        """uint8 (slot_channels, banks, 14) of each slot that is used and has a row."""
        words = {}
        for number in layer.used_slots:
            slot = instruction.slots[number]
            if slot.rows:
                check_words(slot.address, layer.slot_channels, self.cfg, instruction.pc, f"slot {number}")
                words[number] = self.memories.activations[slot.address:slot.address + layer.slot_channels]
        return words

    def _check_accesses(self, instruction: Instruction, layer: PreparedLayer, plan: DrainPlan) -> None:
        """Addresses of the result, and that neither a load nor the tile itself disturbs what it reads."""
        reads = hazards.slot_ranges(layer, instruction)
        used = list(reads.values())
        if layer.fields.destination is Destination.MEMORY:
            channels = layer.fields.channels_out
            check_words(instruction.address, channels, self.cfg, instruction.pc, "the result")
            written = WordRange(instruction.address, channels, hazards.bank_mask(plan.bank))
            hazards.check_in_place(layer, instruction, reads, written)
            used.append(written)
        hazards.check_load(self.pending_load, instruction, used)
        self.at_work = used

    def _check_sums(self, sums: np.ndarray, pc: int) -> None:
        limit = 1 << (self.cfg.accumulator_bits - 1)
        if sums.min(initial=0) < -limit or sums.max(initial=0) >= limit:
            channel = int(np.argmax((sums < -limit) | (sums >= limit)) // sums.shape[1])
            raise InvariantError(pc, f"an accumulator of output channel {channel} overflows "
                                     f"{self.cfg.accumulator_bits} bits")

    def _add_to_sums(self, instruction: Instruction, pixels: np.ndarray) -> None:
        """Add uint8 (channels, n) to the channel sums."""
        channels = len(pixels)
        check_channels(channels, self.cfg, instruction.pc)
        before = 0 if instruction.first else self.memories.sums[:channels]
        total = before + pixels.sum(axis=1, dtype=np.int64)
        if total.max(initial=0) >> self.cfg.average_bits:
            raise InvariantError(instruction.pc, f"the sum of channel {int(total.argmax())} overflows "
                                                 f"{self.cfg.average_bits} bits")
        self.memories.sums[:channels] = total


def check_channels(channels: int, cfg: EngineConfig, pc: int) -> None:
    """There must be a sum for every channel."""
    if channels > cfg.average_channels:
        raise InvariantError(pc, f"{channels} channels, but there are {cfg.average_channels} channel sums")
