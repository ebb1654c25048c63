"""Cells of a placed netlist that can only move together."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from firelane.boards.place.ecp5.slice_rules import EMPTY, PLACES, LogicTiles, Lut
from firelane.boards.place.netlist.placed_netlist import COMB, PlacedNetlist

_JOINED_PORTS = ("FCI", "FXA", "FXB", "F1", "DI")       #: must stand beside what drives them
_RAM_PORTS = ("WD", "WAD0", "WAD1", "WAD2", "WAD3")
_WHOLE_TILE = PLACES


@dataclass(frozen=True)
class Unit:
    """`cells`, and by how many LUTs within a tile they may be moved: multiples of `step`."""

    cells: tuple[int, ...]
    step: int

    def shifts(self, netlist: PlacedNetlist) -> range:
        """Of all its cells within their tiles, such that they stay in those."""
        places = netlist.lut[list(self.cells)]
        if self.step == _WHOLE_TILE:
            return range(1)
        first = -(int(places.min()) // self.step * self.step)
        return range(first, PLACES - int(places.max()), self.step)


def movable_units(netlist: PlacedNetlist, tiles: LogicTiles) -> list[Unit]:
    """All of them, without distributed RAM and what stands outside the slices."""
    count = len(netlist.cells)
    left, right = zip(*_joined(netlist, tiles))
    joined = coo_array((np.ones(len(left)), (left, right)), shape=(count, count))
    _, label = connected_components(joined, directed=False)
    fixed = set(label[[cell for cell in range(count) if _is_fixed(netlist, tiles, cell)]].tolist())
    members = defaultdict(list)
    for cell in np.flatnonzero(netlist.kind >= 0).tolist():
        if int(label[cell]) not in fixed:
            members[int(label[cell])].append(cell)
    return [Unit(tuple(cells), _step(netlist, tiles, cells)) for cells in members.values()]


def unit_numbers(netlist: PlacedNetlist, units: list[Unit]) -> np.ndarray:
    """int64 (cells,): which unit a cell belongs to; -1 if to none."""
    numbers = np.full(len(netlist.cells), -1)
    for number, unit in enumerate(units):
        numbers[list(unit.cells)] = number
    return numbers


def _is_fixed(netlist: PlacedNetlist, tiles: LogicTiles, cell: int) -> bool:
    facts = tiles.facts(cell)
    return (netlist.x[cell] >= 0 and facts is None) or (isinstance(facts, Lut) and (facts.ram or facts.blocked))


def _joined(netlist: PlacedNetlist, tiles: LogicTiles):
    """Pairs of cells."""
    drivers = {net: cell for cell, one in enumerate(netlist.cells)
               for port, net in one.nets.items() if port in one.outputs}
    for cell, one in enumerate(netlist.cells):
        yield cell, cell
        for port in (*_JOINED_PORTS, *_RAM_PORTS):
            driver = drivers.get(one.nets.get(port))
            if driver is not None and (port in _RAM_PORTS or netlist.kind[driver] >= 0):
                yield driver, cell
    for luts, _ in tiles.tiles.values():
        for even, odd in zip(luts[::2], luts[1::2]):
            if EMPTY not in (even, odd) and tiles.facts(even).carry and tiles.facts(odd).carry:
                yield even, odd


def _step(netlist: PlacedNetlist, tiles: LogicTiles, cells: list[int]) -> int:
    """A LUT anywhere, a pair in a slice, more LUTs in half a tile; whole tiles for what fills more, or other tiles."""
    luts = [cell for cell in cells if netlist.kind[cell] == COMB]
    spans = len(set(netlist.lut[cells].tolist()))
    is_chain = any(tiles.facts(cell).carry for cell in luts)
    if len(set(zip(netlist.x[cells].tolist(), netlist.y[cells].tolist()))) > 1 or spans > 4:
        return _WHOLE_TILE
    if len(luts) <= 1:
        return 1 if spans == 1 else _WHOLE_TILE
    if len(luts) == 2:
        return 2
    return _WHOLE_TILE if is_chain else 4
