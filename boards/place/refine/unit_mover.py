"""Move units of a placed netlist about, and take moves back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from firelane.boards.place.ecp5.movable_units import Unit, unit_numbers
from firelane.boards.place.ecp5.slice_rules import LogicTiles
from firelane.boards.place.netlist.placed_netlist import EMPTY, FF, PlacedNetlist

SMALL = 2               #: cells of a unit that may be evicted
MOST_EVICTED = 24       #: units for one move

UnitPlaces = list[tuple[int, int, int]]     #: x, y and LUT of each cell of a unit
Undo = list[tuple[Unit, UnitPlaces]]        #: who was moved, and from where


def moves_around(reach: int, x: int, y: int) -> np.ndarray:
    """Moves to tiles within `reach` of here, of (x, y) and of halfway between, but not to here: int64 (moves, 2)."""
    steps = np.arange(-reach, reach + 1)
    around = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    moves = np.concatenate([around + np.array(place) for place in ((0, 0), (x // 2, y // 2), (x, y))])
    return np.unique(moves[(moves != 0).any(axis=1)], axis=0)


class UnitMover:
    """Moves that leave every tile allowed.

    Parameters
    ----------
    moves_of : function of a unit
        (dx, dy) that a unit which was evicted may be moved by, the best first.
    """

    def __init__(self, netlist: PlacedNetlist, tiles: LogicTiles, units: list[Unit],
                 moves_of: Callable[[Unit], Sequence[Sequence[int]]]):
        self._netlist, self._tiles, self._units, self._moves_of = netlist, tiles, units, moves_of
        self._unit_of = unit_numbers(netlist, units)

    def move(self, unit: Unit, dx: int, dy: int, *, evict: bool) -> Undo:
        """Move it by so many tiles, to LUTs where it may stand; with `evict`, small units that are in its way give way.

        Gives nothing, and has changed nothing, if there are no such LUTs.
        """
        old = self._where(unit)
        for places in self._targets(unit, dx, dy):
            in_the_way = self._occupants(unit, places)
            if in_the_way is None or (in_the_way and not evict):
                continue
            undo = [(unit, old), *self._lift(in_the_way)]
            self._lift([unit])
            self._set(unit, places)
            if evict:
                undo += self._lift(self._strangers(unit))
            if self._is_allowed(unit) and all(self._settle(other) for other, _ in undo[1:]):
                return undo
            self.restore(undo)
        return []

    def restore(self, undo: Undo) -> None:
        """Everybody back; those who stand nowhere now, too."""
        self._lift([unit for unit, _ in undo])
        for unit, places in undo:
            self._set(unit, places)

    def _targets(self, unit: Unit, dx: int, dy: int) -> Iterable[UnitPlaces]:
        """Where the unit could stand in those tiles, if it has them all."""
        old = self._where(unit)
        if all((x + dx, y + dy) in self._tiles.tiles for x, y, _ in old):
            for shift in unit.shifts(self._netlist):
                yield [(x + dx, y + dy, lut + shift) for x, y, lut in old]

    def _occupants(self, unit: Unit, places: UnitPlaces) -> list[Unit] | None:
        """Small units that stand there; None if anything else does."""
        cells = {self._tiles.tiles[x, y][self._netlist.kind[cell]][lut]
                 for cell, (x, y, lut) in zip(unit.cells, places)}
        return self._small_units(cells - {EMPTY, *unit.cells})

    def _strangers(self, unit: Unit) -> list[Unit]:
        """Small units with other clocks, resets or enables than the unit's, where it is now."""
        others = [self._tiles.strangers(cell) for cell in unit.cells if self._netlist.kind[cell] == FF]
        return self._small_units(set().union(*others) - set(unit.cells)) or []

    def _small_units(self, cells: set[int]) -> list[Unit] | None:
        """The units of these cells; None if there are too many, or one is large or fixed."""
        numbers = sorted({int(self._unit_of[cell]) for cell in cells})
        if len(numbers) > MOST_EVICTED or -1 in numbers:
            return None
        units = [self._units[number] for number in numbers]
        return units if all(len(unit.cells) <= SMALL for unit in units) else None

    def _settle(self, unit: Unit) -> bool:
        """Find a free place for a unit that was evicted."""
        old = self._where(unit)
        for dx, dy in self._moves_of(unit):
            for places in self._targets(unit, dx, dy):
                if self._occupants(unit, places) == []:
                    self._set(unit, places)
                    if self._is_allowed(unit):
                        return True
                    self._lift([unit])
                    self._note(unit, old)
        return False

    def _is_allowed(self, unit: Unit) -> bool:
        return all(self._tiles.is_allowed(tile) for tile in {(x, y) for x, y, _ in self._where(unit)})

    def _where(self, unit: Unit) -> UnitPlaces:
        cells = list(unit.cells)
        return list(zip(*(axis[cells].tolist() for axis in (self._netlist.x, self._netlist.y, self._netlist.lut))))

    def _lift(self, units: list[Unit]) -> Undo:
        """Take units out of their tiles; the netlist keeps where they were."""
        for unit in units:
            for cell in unit.cells:
                self._tiles.take(cell)
        return [(unit, self._where(unit)) for unit in units]

    def _set(self, unit: Unit, places: UnitPlaces) -> None:
        self._note(unit, places)
        for cell in unit.cells:
            self._tiles.put(cell)

    def _note(self, unit: Unit, places: UnitPlaces) -> None:
        for cell, place in zip(unit.cells, places):
            self._netlist.x[cell], self._netlist.y[cell], self._netlist.lut[cell] = place
