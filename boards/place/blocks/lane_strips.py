"""A start for the sites of blocks: the engine's lanes side by side, each column of lanes a strip of the device.

The activation memory gives a lane the pixels of its own column and of the next ones, of any bank: wires between banks
are within a strip, those between columns go to the strips beside it. With one tap a cycle the slowest modes of the
netlist find as good a start by themselves; with two they end with wires a quarter longer, because lanes are pulled away
from their multipliers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_OF_LANE = re.compile(r"\.lanes\.(?:multiplier|sums|accumulator|hold)_(\d+)_(\d+)")     # bank, column
_OF_BLOCK_RAM = re.compile(r"\.memory\.bank_(\d+)\.(?:block_\d+_|cells_\d+\.\d+\.)(\d+)$")  # bank, pair of columns
_OF_REQUANTIZER = re.compile(r"\.requantize\.[a-z]+_(\d+)")                             # column


@dataclass(frozen=True, eq=False)
class Strips:
    """Where some cells are at first; `reversed` has the columns from right to left.

    Members
    -------
    cells : int64 (n,): numbers of these cells
    across, along : float64 (n,): column of lanes and bank, as shares of the device's width and height; `along` is NaN
        for what belongs to no bank
    """

    cells: np.ndarray
    across: np.ndarray
    along: np.ndarray

    def reversed(self) -> Strips:
        return Strips(self.cells, 1 - self.across, self.along)


def lane_strips(names: Sequence[str]) -> Strips | None:
    """The strips of a netlist whose cells have these names; None if it has no lanes."""
    found = [(cell, place) for cell, name in enumerate(names) if (place := _lane(name))]
    banks = 1 + max((bank for _, (bank, _) in found if bank is not None), default=-1)
    columns = 1 + max((column for _, (_, column) in found), default=-1)
    if not banks:
        return None
    return Strips(cells=np.array([cell for cell, _ in found]),
                  across=np.array([(column // 2 * 2 + 1) / columns for _, (_, column) in found]),
                  along=np.array([np.nan if bank is None else (bank + 0.5) / banks for _, (bank, _) in found]))


def _lane(name: str) -> tuple[int | None, int] | None:
    """Bank and column of the lane that a cell belongs to."""
    if match := _OF_LANE.search(name):
        return int(match[1]), int(match[2])
    if match := _OF_BLOCK_RAM.search(name):
        return int(match[1]), 2 * int(match[2])
    if match := _OF_REQUANTIZER.search(name):
        return None, int(match[1])
    return None
