"""The arrays of `boards.place.anneal.layout` that a placed netlist alone decides, whatever the device."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from firelane.boards.place.anneal.layout import (
    LOG_BITS,
    LOG_STEPS,
    MOST_STRIP,
    Blocks,
    Crowds,
    Nets,
    Places,
    Scratch,
    Wires,
)
from firelane.boards.place.blocks.sites import Site, Sites
from firelane.boards.place.netlist.placed_netlist import EMPTY, PlacedNetlist
from firelane.boards.place.timing.timing_graph import TimingGraph
from firelane.boards.place.timing.wire_estimate import WireEstimate

MOST_CELLS = 64         #: of a net whose length counts; one more or less of a wider net hardly changes its extent
LENGTH_PRICE = 1 << 10  #: of a tile of wire
# How much wire nets of 3 to 50 pins need for each tile of their half perimeter: Cheng, "RISA: accurate and efficient
# placement routability modeling" (ICCAD 1994).
_CROSSINGS = {3: 1.0, 4: 1.0828, 5: 1.1536, 6: 1.2206, 7: 1.2823, 8: 1.3385, 9: 1.3991, 10: 1.4493, 15: 1.6899,
              20: 1.8924, 25: 2.0743, 30: 2.2334, 35: 2.3895, 40: 2.5356, 45: 2.6625, 50: 2.7933}
SQUARE = 4              #: tiles
_MOST_NETS = 1 << 13    #: of the cells of one exchange


def nets(netlist: PlacedNetlist) -> Nets:
    """The nets of at most MOST_CELLS cells that have places."""
    members: dict[int, list[int]] = defaultdict(list)
    for cell in np.flatnonzero(netlist.x >= 0).tolist():
        for net in sorted(set(netlist.cells[cell].nets.values())):
            members[net].append(cell)
    rows = [cells for cells in members.values() if 2 <= len(cells) <= MOST_CELLS]
    of: list[list[int]] = [[] for _ in netlist.cells]
    for net, cells in enumerate(rows):
        for cell in cells:
            of[cell].append(net)
    sizes = np.array([len(cells) for cells in rows])
    crossings = np.interp(np.arange(MOST_CELLS + 1), list(_CROSSINGS), list(_CROSSINGS.values()))
    price = np.round(LENGTH_PRICE * crossings).astype(np.int32)[sizes]
    start, own = as_rows(rows)
    of_start, own_nets = as_rows(of)
    found = Nets(start=start, cells=own, of_start=of_start, of=own_nets, price=price,
                 box=np.empty((len(rows), 4), dtype=np.int32))
    for edge, (axis, extreme) in enumerate(((netlist.x, np.minimum), (netlist.x, np.maximum),
                                            (netlist.y, np.minimum), (netlist.y, np.maximum))):
        found.box[:, edge] = extreme.reduceat(axis[found.cells], found.start[:-1])
    return found


def wires(netlist: PlacedNetlist, graph: TimingGraph, estimate: WireEstimate) -> Wires:
    """The wires that lead to other cells, without prices; `estimate` is what prices are of."""
    of: list[list[int]] = [[] for _ in netlist.cells]
    for wire, (driver, reader) in enumerate(zip(graph.driver.tolist(), graph.reader.tolist())):
        if driver != reader:
            of[driver].append(wire)
            of[reader].append(wire)
    start, own = as_rows(of)
    return Wires(start=start, of=own, driver=graph.driver.astype(np.int32), reader=graph.reader.astype(np.int32),
                 price=np.zeros(len(graph.driver), dtype=np.int32), estimate=estimate)


def numbered(sites: Sites) -> list[Site]:
    """All sites, type after type."""
    return [site for kind in sites.values() for site in kind]


def blocks(netlist: PlacedNetlist, sites: Sites) -> Blocks:
    """All block RAMs and multipliers; a site's number is its place in `numbered(sites)`."""
    bounds: dict[str, tuple[int, int]] = {}
    for kind, own in sites.items():
        begin = max((end for _, end in bounds.values()), default=0)
        bounds[kind] = begin, begin + len(own)
    all_sites = numbered(sites)
    number = {site.bel: index for index, site in enumerate(all_sites)}
    cells = [cell for cell, one in enumerate(netlist.cells) if one.type in sites]
    site = np.array([number[netlist.block_bel[cell]] for cell in cells], dtype=np.int32)
    holder = np.full(len(all_sites), EMPTY, dtype=np.int32)
    holder[site] = np.arange(len(cells))
    first, last = (np.array([bounds[netlist.cells[cell].type][end] for cell in cells], dtype=np.int32)
                   for end in range(2))
    return Blocks(cells=np.array(cells, dtype=np.int32), site=site, first=first, last=last, holder=holder,
                  site_x=np.array([one.x for one in all_sites], dtype=np.int32),
                  site_y=np.array([one.y for one in all_sites], dtype=np.int32))


def crowds(netlist: PlacedNetlist, where: Places, *, price: int, pins_a_tile: int) -> Crowds:
    """Squares of SQUARE tiles, with room for `pins_a_tile` in each tile that has logic."""
    columns = -(-where.tile_at.shape[0] // SQUARE)
    square = where.tile_x // SQUARE + columns * (where.tile_y // SQUARE)
    pins = np.array([len(set(cell.nets.values())) for cell in netlist.cells], dtype=np.int64)
    room = np.bincount(square) * pins_a_tile
    load = np.zeros_like(room)
    in_slices = np.flatnonzero(where.slot >= 0)
    np.add.at(load, square[where.slot[in_slices] // len(where.numbers)], pins[in_slices])
    return Crowds(square=square.astype(np.int32), pins=pins, load=load, room=room, price=price,
                  toll=np.zeros_like(room))


def demand(found: Nets, where: Places, square: np.ndarray) -> np.ndarray:
    """How much wire the tiles of each square need, in 1024ths of a tile's wire: int64.

    Each net's wire is spread evenly over what it spans: Spindler and Johannes, "Fast and accurate routing demand
    estimation for efficient routability-driven placement" (DATE 2007).
    """
    low_x, high_x, low_y, high_y = found.box.astype(np.int64).T
    width, height = high_x - low_x + 1, high_y - low_y + 1
    wire = found.price.astype(np.int64) * (width + height) // (width * height)
    columns, rows = where.tile_at.shape
    change = np.zeros((max(columns, int(high_x.max()) + 1) + 1, max(rows, int(high_y.max()) + 1) + 1), dtype=np.int64)
    for x, y, sign in ((low_x, low_y, 1), (high_x + 1, high_y + 1, 1), (high_x + 1, low_y, -1),
                       (low_x, high_y + 1, -1)):
        np.add.at(change, (x, y), sign * wire)
    tiles = change.cumsum(axis=0).cumsum(axis=1)[where.tile_x, where.tile_y]
    number = np.bincount(square)
    total = np.zeros_like(number)
    np.add.at(total, square, tiles)
    return total // np.maximum(number, 1)


def scratch(net_count: int, wire_count: int, places_of_a_tile: int, seed: int) -> Scratch:
    """Memory for the inner loops, as at the start; seeds are spread by the golden ratio of 2^64."""
    logs = [round(-math.log((2 * step + 1) / (2 * LOG_STEPS)) * (1 << LOG_BITS)) for step in range(LOG_STEPS)]
    most_moved = 2 * MOST_STRIP * 2 * places_of_a_tile          # all that two strips can have

    def whole(size: int) -> np.ndarray:
        return np.zeros(size, dtype=np.int64)

    def half(size: int) -> np.ndarray:
        return np.zeros(size, dtype=np.int32)
    return Scratch(
        random=np.array([seed * 0x9E3779B97F4A7C15 % (1 << 64) | 1], dtype=np.uint64), logs=np.array(logs),
        stamp=whole(1), net_stamp=half(net_count), wire_stamp=half(wire_count),
        number=half(net_count), nets=whole(_MOST_NETS), scan=np.zeros(_MOST_NETS, dtype=bool),
        box=np.zeros((_MOST_NETS, 4), dtype=np.int32), wires=half(wire_count),
        cells=whole(most_moved), goals=whole(most_moved), new_x=whole(most_moved), new_y=whole(most_moved),
        old_x=whole(most_moved), old_y=whole(most_moved), old_slot=whole(most_moved))


def as_rows(rows: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Lists of different lengths one after the other, and where each begins."""
    start = np.zeros(len(rows) + 1, dtype=np.int32)
    np.cumsum([len(row) for row in rows], out=start[1:])
    return start, np.array([value for row in rows for value in row], dtype=np.int32)
