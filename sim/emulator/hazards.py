"""Accesses whose outcome depends on timing: the compiler must not emit them, so the emulator refuses them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firelane.hw.contract.config import EngineConfig
from firelane.sim.emulator.decode import Instruction
from firelane.sim.emulator.faults import InvariantError
from firelane.sim.emulator.tile import PreparedLayer


@dataclass(frozen=True)
class WordRange:
    """Words [address, address + count) of some banks (a bit mask) of the activation memory."""

    address: int
    count: int
    banks: int

    @property
    def end(self) -> int:
        return self.address + self.count

    def overlaps(self, other: WordRange) -> bool:
        return bool(self.banks & other.banks and self.address < other.end and other.address < self.end)


def bank_mask(banks: np.ndarray) -> int:
    """Bit mask of bank numbers."""
    return sum(1 << int(bank) for bank in np.unique(banks))


def slot_ranges(layer: PreparedLayer, instruction: Instruction) -> dict[int, WordRange]:
    """What a tile reads of each slot: banks of rows that exist, and that some lane sees."""
    row = np.arange(layer.cfg.banks) % layer.rows
    ranges = {}
    for slot in layer.used_slots:
        banks = np.flatnonzero(layer.banks_read[slot] & (row < instruction.slots[slot].rows))
        if len(banks):
            ranges[slot] = WordRange(instruction.slots[slot].address, layer.slot_channels, bank_mask(banks))
    return ranges


def check_in_place(layer: PreparedLayer, instruction: Instruction, reads: dict[int, WordRange],
                   written: WordRange) -> None:
    """Refuse a tile that writes a word for one output channel and may read it for a later one.

    A word that only this channel or earlier ones read may be written: that is how pooling works in place.
    """
    channel = np.arange(layer.fields.channels_out - 1)
    inputs_of_a_group = layer.slot_channels // layer.groups
    next_input = (channel + 1) // layer.group_channels * inputs_of_a_group
    for slot, read in reads.items():
        word = written.address + channel
        later = (word >= read.address + next_input) & (word < read.end)
        if read.banks & written.banks and later.any():
            raise InvariantError(instruction.pc, f"output channel {int(channel[later][0])} is written to word "
                                                 f"{int(word[later][0])}, which later channels read as slot {slot}")


def check_beside(instruction: Instruction, loaded: WordRange, at_work: list[WordRange]) -> None:
    """Refuse a load beside a tile that may still read, or write, words that it loads."""
    for words in at_work:
        if words.overlaps(loaded):
            raise InvariantError(instruction.pc, f"loads words {loaded.address} .. {loaded.end - 1} beside a tile that "
                                                 f"uses words {words.address} .. {words.end - 1}")


def check_average(pending: WordRange | None, instruction: Instruction, cfg: EngineConfig) -> None:
    """Refuse an AVERAGE into memory beside a load, with two taps a cycle: both write through one port."""
    if cfg.taps_per_cycle == 2 and pending is not None:
        raise InvariantError(instruction.pc, f"stores averages while the load of words {pending.address} .. "
                                             f"{pending.end - 1} is under way")


def check_load(pending: WordRange | None, instruction: Instruction, used: list[WordRange]) -> None:
    """Refuse an instruction that uses words which a load under way may be writing."""
    for words in used:
        if pending is not None and pending.overlaps(words):
            raise InvariantError(instruction.pc, f"uses words {words.address} .. {words.end - 1} "
                                                 f"while the load of words {pending.address} .. "
                                                 f"{pending.end - 1} is under way")
