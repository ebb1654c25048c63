"""TILE: every output channel of one row group, lane for lane.

A layer is prepared once: its taps become a matrix (output channels x places) and its kernel table an index that says
for each place and lane which pixel of which slot the lane sees. A tile is then a gather and a matrix product.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from firelane.compiler.ir.graph import PIXEL_MAX
from firelane.hw.contract.config import BANK_PIXELS, EngineConfig
from firelane.hw.contract.instruction import SLOTS, Operation, RowMove, Source
from firelane.hw.contract.issue import ChannelTaps
from firelane.sim.emulator.decode import DescriptorFields, KernelPlace
from firelane.sim.emulator.weights import ChannelParameters

FLOAT32_EXACT = 1 << 24                # integers below this are exact in float32


@dataclass(frozen=True, eq=False)
class PreparedLayer:
    """A TILE layer, decoded.

    Members
    -------
    kernel : places of the kernel table
    matrix : int64 (channels_out, channels_in * kernel places), sums of the weights of equal places
    present : bool of the same shape: there is a tap
    taps : of each channel, for the cycle count
    parameters : requantization of each channel
    """

    cfg: EngineConfig
    fields: DescriptorFields
    kernel: tuple[KernelPlace, ...]
    matrix: np.ndarray
    present: np.ndarray
    taps: ChannelTaps
    parameters: ChannelParameters

    @cached_property
    def rows(self) -> int:
        """Rows of an input word."""
        return self.cfg.banks >> self.fields.parts_log2

    @cached_property
    def slot_channels(self) -> int:
        """Words that each slot takes: input channels of all groups."""
        if self.fields.source is Source.WINDOW:
            return self.fields.channels_out
        return self.groups * self.fields.channels_in

    @cached_property
    def groups(self) -> int:
        """Groups of a convolution; in a WINDOW layer each channel is one."""
        return -(-self.fields.channels_out // self.group_channels)

    @cached_property
    def group_channels(self) -> int:
        return 1 if self.fields.source is Source.WINDOW else self.fields.group_channels

    @cached_property
    def used_slots(self) -> tuple[int, ...]:
        """Slots that a place of the kernel table names, as the word or as the one to wrap from."""
        used = {place.slot for place in self.kernel}
        used |= {place.wrap_slot for place in self.kernel if place.row_move is not RowMove.NONE}
        return tuple(sorted(used))

    @cached_property
    def lane_index(self) -> np.ndarray:
        """int64 (places, lanes): what each lane sees, slot * lanes + bank * 14 + pixel; SLOTS * lanes: the pad."""
        cfg, rows = self.cfg, self.rows
        bank, pixel = np.divmod(np.arange(cfg.lanes), BANK_PIXELS)
        row, part = bank % rows, bank // rows
        index = np.empty((len(self.kernel), cfg.lanes), np.int64)
        for number, place in enumerate(self.kernel):
            move = {RowMove.NONE: 0, RowMove.UP: -1, RowMove.DOWN: 1}[place.row_move]
            wraps = (row + move < 0) | (row + move >= rows)
            slot = np.where(wraps, place.wrap_slot, place.slot)
            column = part * BANK_PIXELS + pixel + place.column_move
            seen_bank = (row + move) % rows + column // BANK_PIXELS * rows
            outside = (column < 0) | (column >= self.fields.columns)
            index[number] = np.where(outside, SLOTS * cfg.lanes,
                                     slot * cfg.lanes + seen_bank * BANK_PIXELS + column % BANK_PIXELS)
        return index

    @cached_property
    def banks_read(self) -> np.ndarray:
        """bool (SLOTS, banks): banks of a slot from which some lane takes a pixel, if its row exists."""
        inside = self.lane_index[self.lane_index < SLOTS * self.cfg.lanes]
        read = np.zeros(SLOTS * self.cfg.banks, bool)
        read[inside // BANK_PIXELS] = True
        return read.reshape(SLOTS, self.cfg.banks)

    @cached_property
    def number(self) -> type:
        """The float type in which all sums are exact."""
        reach = int(np.abs(self.matrix).sum(axis=1).max(initial=0)) * PIXEL_MAX
        return np.float32 if reach < FLOAT32_EXACT else np.float64

    @cached_property
    def group_matrices(self) -> np.ndarray:
        """`number` (groups, channels of a group, channels in * places), zeros behind the last channel."""
        padded: np.ndarray = np.zeros((self.groups * self.group_channels, self.matrix.shape[1]), self.number)
        padded[:len(self.matrix)] = self.matrix
        return padded.reshape(self.groups, self.group_channels, -1)

    def operands(self, words: dict[int, np.ndarray], rows: tuple[int, ...]) -> np.ndarray:
        """What the lanes see: `number` (groups, channels in * places, lanes).

        `words`: uint8 (slot_channels, banks, 14) of each used slot; `rows`: how many rows of each slot exist.
        """
        cfg, channels = self.cfg, self.slot_channels
        pixels: np.ndarray = np.full((channels, SLOTS * cfg.lanes + 1), self.fields.pad, self.number)
        row = np.arange(cfg.banks) % self.rows
        by_bank = pixels[:, :-1].reshape(channels, SLOTS, cfg.banks, BANK_PIXELS)
        for slot, values in words.items():
            exists = row < rows[slot]
            by_bank[:, slot, exists] = values[:, exists]
        return np.take(pixels, self.lane_index, axis=1).reshape(self.groups, -1, cfg.lanes)

    def accumulate(self, operands: np.ndarray) -> np.ndarray:
        """int64 (channels_out, lanes): the accumulators after the last tap."""
        if self.fields.operation is Operation.MAXIMUM:
            maxima = self._maxima(operands)
            return self._merged(maxima) if self.taps.blocks else maxima
        sums = np.matmul(self.group_matrices, operands)
        return sums.reshape(-1, self.cfg.lanes)[:self.fields.channels_out].astype(np.int64)

    def _merged(self, maxima: np.ndarray) -> np.ndarray:
        """The largest of its block in each lane: two columns, and two rows where a word has more than one."""
        banks = 2 if self.rows > 1 else 1       # a row's next one is in the next bank
        blocks = maxima.reshape(len(maxima), self.cfg.banks // banks, banks, BANK_PIXELS // 2, 2)
        merged = blocks.max(axis=(2, 4), keepdims=True)
        return np.broadcast_to(merged, blocks.shape).reshape(maxima.shape)

    def _maxima(self, operands: np.ndarray) -> np.ndarray:
        if self.fields.source is Source.WINDOW:
            return operands.max(axis=1).astype(np.int64)
        maxima = np.zeros((self.fields.channels_out, self.cfg.lanes), np.int64)
        for channel, present in enumerate(self.present):
            maxima[channel] = operands[channel // self.group_channels, present].max(axis=0, initial=0)
        return maxima
