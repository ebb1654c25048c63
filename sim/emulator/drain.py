"""Makes pixels of the accumulators of a channel: requantize, keep every second one, write bank by bank or add up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from firelane.hw.contract.config import BANK_PIXELS, EngineConfig
from firelane.hw.contract.instruction import makes_blocks
from firelane.sim.emulator.decode import DescriptorFields
from firelane.sim.emulator.memory import Writes
from firelane.sim.emulator.weights import ChannelParameters


@dataclass(frozen=True, eq=False)
class DrainPlan:
    """The bank and the place that each lane's pixel goes to, for every channel of a tile.

    The drain takes the banks of the lanes from bank 0 on and makes at most one write of each, or of each two if it
    merges blocks.

    Members
    -------
    bank, enable : int64 (writes,)
    source : int64 (writes, 14): the lane whose pixel is written there (0 where not enabled)
    lanes, places : int64 (n,): the same pixel by pixel, source lane and lane of the word that is written
    counted : int64 (m,): lanes whose pixels are in the map: row < rows, column < out_columns
    """

    bank: np.ndarray
    enable: np.ndarray
    source: np.ndarray
    lanes: np.ndarray
    places: np.ndarray
    counted: np.ndarray

    def writes(self, address: int, pixels: np.ndarray) -> Writes:
        """The writes of a tile whose channel 0 goes to word `address`; `pixels` uint8 (channels, lanes)."""
        channels = len(pixels)
        return Writes(np.repeat(address + np.arange(channels), len(self.bank)), np.tile(self.bank, channels),
                      np.tile(self.enable, channels), pixels[:, self.source].reshape(-1, BANK_PIXELS))


@lru_cache(maxsize=256)
def drain_plan(cfg: EngineConfig, fields: DescriptorFields, row: int, rows: int) -> DrainPlan:
    """The plan of a tile whose result rows 0 .. rows - 1 go to word rows `row` .. of the result.

    Row r of the lanes is kept if r mod 2 = row_phase (any row if a word holds one), column x if x mod 2 = column_phase;
    without `subsample` all are. Parts that the result's class does not have are dropped.
    """
    rows_in, rows_out = cfg.banks >> fields.parts_log2, cfg.banks >> fields.out_parts_log2
    bank, pixel = np.divmod(np.arange(cfg.lanes), BANK_PIXELS)
    result_row, column = bank % rows_in, bank // rows_in * BANK_PIXELS + pixel
    kept = np.ones(cfg.lanes, bool)
    if fields.subsample:
        kept = (column % 2 == fields.column_phase) & ((result_row % 2 == fields.row_phase) | (rows_in == 1))
        result_row, column = result_row // 2, column // 2
    kept &= result_row < rows
    written = np.flatnonzero(kept & (column < BANK_PIXELS << fields.out_parts_log2))
    places = ((row + result_row) % rows_out + column // BANK_PIXELS * rows_out) * BANK_PIXELS + column % BANK_PIXELS
    step = bank // 2 if cfg.merges_blocks and makes_blocks(fields) else bank
    return _by_step(cfg.banks, step, written, places[written], np.flatnonzero(kept & (column < fields.out_columns)))


def _by_step(count: int, step: np.ndarray, lanes: np.ndarray, places: np.ndarray, counted: np.ndarray) -> DrainPlan:
    """The plan of pixels lanes -> places, a write for each of `count` steps in which there are any."""
    banks, sources, enables = [], [], []
    for number in range(count):
        mine = step[lanes] == number
        if not mine.any():
            continue
        target, pixel = np.divmod(places[mine], BANK_PIXELS)
        assert len(set(target)) == 1, "a step's pixels go to one bank"
        source = np.zeros(BANK_PIXELS, np.int64)
        source[pixel] = lanes[mine]
        banks.append(target[0])
        enables.append(sum(1 << int(p) for p in pixel))
        sources.append(source)
    return DrainPlan(np.array(banks, np.int64), np.array(enables, np.int64),
                     np.array(sources, np.int64).reshape(-1, BANK_PIXELS), lanes, places, counted)


def requantize(sums: np.ndarray, parameters: ChannelParameters, fields: DescriptorFields) -> np.ndarray:
    """y = clip((((acc + bias) * multiplier + 2**(shift-1)) >> shift) + zero_point, clamp_low, clamp_high).

    int64 (channels, n) -> uint8 (channels, n). Exact: |acc + bias| < 2**33, so that the product is below 2**50. A shift
    of 0, which no compiler emits, adds nothing.
    """
    bias, multiplier, shift = (getattr(parameters, name)[:, None] for name in ("bias", "multiplier", "shift"))
    half = (np.int64(1) << shift) >> 1
    scaled = ((sums + bias) * multiplier + half) >> shift
    return np.minimum(np.maximum(scaled + fields.zero_point, fields.clamp_low), fields.clamp_high).astype(np.uint8)
