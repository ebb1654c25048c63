"""Descriptors, decoded once each."""

from __future__ import annotations

import numpy as np

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import (
    DESCRIPTOR_WORDS,
    Source,
    descriptor_total_words,
    makes_blocks,
    stream_words,
)
from firelane.hw.contract.issue import ChannelTaps, taken_alone
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.sim.emulator.check import check_kernel
from firelane.sim.emulator.decode import (
    DescriptorFields,
    decode_codes,
    decode_descriptor,
    decode_kernel,
    decode_second_streams,
)
from firelane.sim.emulator.faults import EngineError, InvariantError
from firelane.sim.emulator.tile import PreparedLayer
from firelane.sim.emulator.weights import ChannelParameters, read_parameters, read_taps


class LayerCache:
    """Descriptors of one program by address, with all that follows from them."""

    def __init__(self, cfg: EngineConfig, contents: MemoryContents, program_length: int):
        self._cfg = cfg
        self._contents = contents
        self._words = contents.program[:program_length]
        self._fields: dict[int, DescriptorFields] = {}
        self._tiles: dict[int, PreparedLayer] = {}
        self._parameters: dict[int, ChannelParameters] = {}

    def fields(self, address: int, pc: int) -> DescriptorFields:
        """The fixed part of a descriptor."""
        if address not in self._fields:
            self._check_range(address + DESCRIPTOR_WORDS, pc)
            self._fields[address] = decode_descriptor(self._words, address)
        return self._fields[address]

    def parameters(self, address: int, pc: int) -> ChannelParameters:
        """Requantization of an AVERAGE."""
        if address not in self._parameters:
            self._parameters[address] = read_parameters(self.fields(address, pc), self._contents, self._cfg, pc)
        return self._parameters[address]

    def tile(self, address: int, pc: int) -> PreparedLayer:
        """A TILE's layer with its taps."""
        if address not in self._tiles:
            self._tiles[address] = self._prepare(address, pc)
        return self._tiles[address]

    def words(self, address: int, tile: bool) -> int:
        """Words to fetch of a descriptor, for a TILE with the tables behind it."""
        fields = self._fields[address]
        return descriptor_total_words(self._cfg, fields.source, fields.kernel_taps) if tile else DESCRIPTOR_WORDS

    def _prepare(self, address: int, pc: int) -> PreparedLayer:
        fields = self.fields(address, pc)
        self._check_range(address + self.words(address, True), pc)
        behind = self._words[address + DESCRIPTOR_WORDS:]
        stream = fields.source is Source.STREAM
        alone = self._cfg.taps_per_cycle == 1 or taken_alone(fields.source, fields.operation, fields.channels_in,
                                                             fields.kernel_taps)
        kernel = decode_kernel(behind[stream_words(self._cfg) if stream else 0:], fields.kernel_taps)
        check_kernel(kernel, self._cfg, pc)
        if stream:
            second = None if alone else decode_second_streams(behind)
            taps = read_taps(fields, decode_codes(behind), self._contents, pc, second)
            channel, place, weight = taps.channel, taps.place, taps.weight
            places = fields.channels_in * fields.kernel_taps
        else:
            channel = np.repeat(np.arange(fields.channels_out), fields.kernel_taps)
            place = np.tile(np.arange(fields.kernel_taps), fields.channels_out)
            weight = np.tile([entry.weight for entry in kernel], fields.channels_out)
            places = fields.kernel_taps
        matrix = np.zeros((fields.channels_out, places), np.int64)
        np.add.at(matrix, (channel, place), weight)
        present = np.zeros(matrix.shape, bool)
        present[channel, place] = True
        counts = np.bincount(channel, minlength=fields.channels_out)
        if not alone and counts.min() < 2:
            raise InvariantError(pc, f"output channel {counts.argmin()} has less than the two taps of a cycle")
        blocks = self._cfg.merges_blocks and bool(makes_blocks(fields))
        return PreparedLayer(self._cfg, fields, kernel, matrix, present,
                             ChannelTaps(tuple(counts.tolist()), alone, blocks),
                             read_parameters(fields, self._contents, self._cfg, pc))

    def _check_range(self, end: int, pc: int) -> None:
        if end > len(self._words):
            raise EngineError(ErrorCode.PROGRAM_RANGE, pc, f"its layer descriptor ends at word {end} of a program of "
                                                           f"{len(self._words)}")
