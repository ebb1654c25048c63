"""Cells of a placed netlist that can only move together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from firelane.boards.place.ecp5.slice_rules import PLACES, LogicTiles, Lut
from firelane.boards.place.netlist.placed_netlist import COMB, EMPTY, PlacedNetlist

_JOINED_PORTS = ("FCI", "FXA", "FXB", "F1", "DI")       #: must stand beside what drives them
_RAM_PORTS = ("WD", "WAD0", "WAD1", "WAD2", "WAD3")
_PLACE, _SLICE, _HALF_TILE, _WHOLE_TILE = 1, 2, 4, PLACES     # what a unit is moved by within its tile


@dataclass(frozen=True)
class Unit:
    """`cells`, and by how many LUTs within a tile they may be moved: multiples of `step`."""

    cells: tuple[int, ...]
    step: int

    def shifts(self, netlist: PlacedNetlist) -> range:
        """How far all its cells may be moved within their tiles, such that they stay in those."""
        places = netlist.lut[list(self.cells)]
        if self.step == _WHOLE_TILE:
            return range(1)
        first = -(int(places.min()) // self.step * self.step)
        return range(first, PLACES - int(places.max()), self.step)


def movable_units(netlist: PlacedNetlist, tiles: LogicTiles) -> list[Unit]:
    """The units of all cells in slices but distributed RAM."""
    count = len(netlist.cells)
    left, right = zip(*_joined(netlist, tiles))
    joined = coo_array((np.ones(len(left)), (left, right)), shape=(count, count))
    _, label = connected_components(joined, directed=False)
    fixed = set(label[[cell for cell in range(count) if _is_fixed(netlist, tiles, cell)]].tolist())
    members: dict[int, list[int]] = defaultdict(list)
    for cell in np.flatnonzero(netlist.kind >= 0).tolist():
        if int(label[cell]) not in fixed:
            members[int(label[cell])].append(cell)
    return [Unit(tuple(cells), _step(netlist, tiles, cells)) for cells in members.values()]


def unit_numbers(netlist: PlacedNetlist, units: list[Unit]) -> np.ndarray:
    """Which unit each cell belongs to, -1 if to none: int64 (cells,)."""
    numbers = np.full(len(netlist.cells), -1)
    for number, unit in enumerate(units):
        numbers[list(unit.cells)] = number
    return numbers


def _is_fixed(netlist: PlacedNetlist, tiles: LogicTiles, cell: int) -> bool:
    facts = tiles.facts(cell)
    return (netlist.x[cell] >= 0 and facts is None) or (isinstance(facts, Lut) and (facts.ram or facts.blocked))


def _joined(netlist: PlacedNetlist, tiles: LogicTiles) -> Iterator[tuple[int, int]]:
    """Pairs of cells that must move together; each cell with itself, too."""
    drivers = {net: cell for cell, one in enumerate(netlist.cells)
               for port, net in one.nets.items() if port in one.outputs}
    for cell, one in enumerate(netlist.cells):
        yield cell, cell
        for port in (*_JOINED_PORTS, *_RAM_PORTS):
            driver = drivers.get(one.nets[port]) if port in one.nets else None
            if driver is not None and (port in _RAM_PORTS or netlist.kind[driver] >= 0):
                yield driver, cell
    for luts, _ in tiles.tiles.values():
        for even, odd in zip(luts[::2], luts[1::2]):
            if EMPTY not in (even, odd) and tiles.lut(even).carry and tiles.lut(odd).carry:
                yield even, odd


def _step(netlist: PlacedNetlist, tiles: LogicTiles, cells: list[int]) -> int:
    """The step of a unit: a LUT can be anywhere in a tile, a pair in any slice, more LUTs in either half.

    What fills more than half of a tile, or stands in several, keeps its places within them, as do carry chains and
    cells that are together without need for a slice.
    """
    luts = [cell for cell in cells if netlist.kind[cell] == COMB]
    in_tiles = set(zip(netlist.x[cells].tolist(), netlist.y[cells].tolist()))
    in_places = set(netlist.lut[cells].tolist())
    if len(in_tiles) > 1 or len(in_places) > _HALF_TILE:
        return _WHOLE_TILE
    match len(luts):
        case 0 | 1:
            return _PLACE if len(in_places) == 1 else _WHOLE_TILE
        case 2:
            return _SLICE
        case _:
            return _WHOLE_TILE if any(tiles.lut(cell).carry for cell in luts) else _HALF_TILE
