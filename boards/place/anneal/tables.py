"""The tables on which `boards.place.anneal.kernel` works, made from a placed netlist."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from firelane.boards.place.anneal.state import (
    CLOSED,
    FIXED,
    LOG_BITS,
    LOG_STEPS,
    MOST_MOVED,
    MOST_STRIP,
    Blocks,
    Chains,
    Crowds,
    Nets,
    Places,
    Rules,
    Scratch,
    Wires,
)
from firelane.boards.place.ecp5.block_sites import Site, Sites
from firelane.boards.place.ecp5.carry_cells import carry_chains
from firelane.boards.place.ecp5.movable_units import Unit
from firelane.boards.place.ecp5.slice_rules import EMPTY, PLACES, FlipFlop, LogicTiles, Lut
from firelane.boards.place.netlist.placed_netlist import FF, PlacedNetlist
from firelane.boards.place.timing.timing_graph import TimingGraph

MOST_CELLS = 64         #: of a net whose length counts; one more or less of a wider net hardly changes its extent
LENGTH_PRICE = 1 << 10  #: of a tile of wire
# How much wire nets of 3 to 50 pins need for each tile of their half perimeter: Cheng, "RISA: accurate and efficient
# placement routability modeling" (ICCAD 1994).
_CROSSINGS = {3: 1.0, 4: 1.0828, 5: 1.1536, 6: 1.2206, 7: 1.2823, 8: 1.3385, 9: 1.3991, 10: 1.4493, 15: 1.6899,
              20: 1.8924, 25: 2.0743, 30: 2.2334, 35: 2.3895, 40: 2.5356, 45: 2.6625, 50: 2.7933}
SQUARE = 4              #: tiles
_MOST_NETS = 1 << 13    #: of the cells of one exchange
_BLOCKS_OF_A_TILE = (1, 2, 4, 8)


def places(netlist: PlacedNetlist, tiles: LogicTiles) -> Places:
    """All that stand in slices now; slices with carries, and tiles with distributed RAM, are closed."""
    tile_x, tile_y = (np.array(axis, dtype=np.int32) for axis in zip(*tiles.tiles))
    tile_at = np.full((tile_x.max() + 1, tile_y.max() + 1), EMPTY, dtype=np.int32)
    tile_at[tile_x, tile_y] = np.arange(len(tile_x))
    luts, flip_flops = (np.array([one[kind] for one in tiles.tiles.values()], dtype=np.int32).ravel()
                        for kind in range(2))
    slot = np.full(len(netlist.cells), EMPTY, dtype=np.int32)
    for holders in (luts, flip_flops):
        slot[holders[holders >= 0]] = np.flatnonzero(holders >= 0)
    carries = np.where([cell >= 0 and tiles.facts(cell).carry for cell in luts.tolist()], luts, EMPTY).astype(np.int32)
    for number, tile in enumerate(tiles.tiles):
        _close(netlist, tiles, tile, luts[PLACES * number:][:PLACES], flip_flops[PLACES * number:][:PLACES])
    x, y = netlist.x.astype(np.int32), netlist.y.astype(np.int32)
    return Places(x, y, slot, luts, flip_flops, carries, tile_x, tile_y, tile_at)


def _close(netlist: PlacedNetlist, tiles: LogicTiles, tile, luts: np.ndarray, flip_flops: np.ndarray) -> None:
    facts = [tiles.facts(cell) if cell >= 0 else None for cell in luts.tolist()]
    if tile in netlist.ram_writers or any(one and (one.ram or one.blocked) for one in facts):
        luts[:] = flip_flops[:] = CLOSED
    for pair in range(0, PLACES, 2):
        if any(one and one.carry for one in facts[pair:pair + 2]):
            luts[pair:pair + 2] = CLOSED


def rules(netlist: PlacedNetlist, tiles: LogicTiles, units: list[Unit], where: Places) -> Rules:
    """Of all cells; those that are closed in stay."""
    count = len(netlist.cells)
    grain, alone, uses_m = np.full(count, FIXED, dtype=np.int32), np.zeros(count, bool), np.zeros(count, bool)
    tile, in_slice = np.zeros(count, dtype=np.int32), np.zeros(count, dtype=np.int32)
    free = set(where.luts.tolist()) | set(where.flip_flops.tolist())
    for unit in units:
        cells = list(unit.cells)
        if free.issuperset(cells):
            grain[cells] = _grain(where.slot[cells])
            alone[cells] = len(cells) == 1
    tile_kinds: dict[tuple, int] = {}
    slice_kinds: dict[tuple, int] = {}
    for cell in range(count):
        facts = tiles.facts(cell)
        if isinstance(facts, Lut | FlipFlop):
            uses_m[cell] = facts.uses_m
        if isinstance(facts, FlipFlop):
            tile[cell] = tile_kinds.setdefault(facts.tile, len(tile_kinds))
            in_slice[cell] = slice_kinds.setdefault(facts.slice, len(slice_kinds))
    return Rules(netlist.kind == FF, grain, alone, uses_m, tile, in_slice)


def _grain(slots: np.ndarray) -> int:
    """The smallest block of a tile that has all of them."""
    return next((size for size in _BLOCKS_OF_A_TILE if slots.min() // size == slots.max() // size), FIXED)


def nets(netlist: PlacedNetlist) -> Nets:
    """Those of at most MOST_CELLS cells that have places."""
    members = defaultdict(list)
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
    found = Nets(*_rows(rows), *_rows(of), price, np.empty((len(rows), 4), dtype=np.int32))
    for edge, (axis, extreme) in enumerate(((netlist.x, np.minimum), (netlist.x, np.maximum),
                                            (netlist.y, np.minimum), (netlist.y, np.maximum))):
        found.box[:, edge] = extreme.reduceat(axis[found.cells], found.start[:-1])
    return found


def wires(netlist: PlacedNetlist, graph: TimingGraph) -> Wires:
    """Those that lead to other cells, without prices."""
    of: list[list[int]] = [[] for _ in netlist.cells]
    for wire, (driver, reader) in enumerate(zip(graph.driver.tolist(), graph.reader.tolist())):
        if driver != reader:
            of[driver].append(wire)
            of[reader].append(wire)
    return Wires(*_rows(of), graph.driver.astype(np.int32), graph.reader.astype(np.int32),
                 np.zeros(len(graph.driver), dtype=np.int32))


def numbered(sites: Sites) -> list[Site]:
    """All of them, type after type."""
    return [site for kind in sites.values() for site in kind]


def blocks(netlist: PlacedNetlist, sites: Sites) -> Blocks:
    """All block RAMs and multipliers; a site's number is its place in `numbered(sites)`."""
    bounds: dict[str, tuple[int, int]] = {}
    for kind, own in sites.items():
        first = max((last for _, last in bounds.values()), default=0)
        bounds[kind] = first, first + len(own)
    all_sites = numbered(sites)
    number = {site.bel: index for index, site in enumerate(all_sites)}
    cells = [cell for cell, one in enumerate(netlist.cells) if one.type in sites]
    site = np.array([number[netlist.block_bel[cell]] for cell in cells], dtype=np.int32)
    holder = np.full(len(all_sites), EMPTY, dtype=np.int32)
    holder[site] = np.arange(len(cells))
    first, last = (np.array([bounds[netlist.cells[cell].type][end] for cell in cells], dtype=np.int32)
                   for end in range(2))
    return Blocks(np.array(cells, dtype=np.int32), site, holder, np.array([one.x for one in all_sites], dtype=np.int32),
                  np.array([one.y for one in all_sites], dtype=np.int32), first, last)


def chains(netlist: PlacedNetlist, units: list[Unit], where: Places) -> Chains:
    """All carry chains.

    Closed are tiles with distributed RAM or other cells that must stay, those of chains of more than MOST_STRIP tiles,
    and those of units that lie in several tiles, but not in those of one chain.
    """
    tile = where.slot // PLACES
    stays = np.ones(len(netlist.cells), bool)
    for unit in units:
        stays[list(unit.cells)] = False
    closed = where.luts.reshape(-1, PLACES) == CLOSED
    closed = (closed & (where.carries.reshape(-1, PLACES) == EMPTY)).all(axis=1)
    closed[tile[stays & (where.slot >= 0)]] = True
    of_tile, rows = np.full(len(where.tile_x), EMPTY, dtype=np.int32), []
    for cells in carry_chains(netlist):
        own = sorted(set(tile[cells].tolist()), key=lambda one: int(where.tile_x[one]))
        if len(own) > MOST_STRIP:
            closed[own] = True
        of_tile[own] = len(rows)
        rows.append((cells, own))
    for unit in units:
        own = np.unique(tile[list(unit.cells)])
        if len(own) > 1 and (of_tile[own].min() != of_tile[own].max() or of_tile[own[0]] == EMPTY):
            closed[own] = True
    first = np.array([own[0] for _, own in rows], dtype=np.int32)
    length = np.array([len(own) for _, own in rows], dtype=np.int32)
    return Chains(*_rows([cells for cells, _ in rows]), first, length, of_tile, closed)


def crowds(netlist: PlacedNetlist, where: Places, *, price: int, pins_a_tile: int) -> Crowds:
    """Squares of SQUARE tiles, with room for `pins_a_tile` in each tile that has logic."""
    columns = -(-where.tile_at.shape[0] // SQUARE)
    square = where.tile_x // SQUARE + columns * (where.tile_y // SQUARE)
    pins = np.array([len(set(cell.nets.values())) for cell in netlist.cells], dtype=np.int64)
    room = np.bincount(square) * pins_a_tile
    load = np.zeros_like(room)
    in_slices = np.flatnonzero(where.slot >= 0)
    np.add.at(load, square[where.slot[in_slices] // PLACES], pins[in_slices])
    return Crowds(square.astype(np.int32), pins, load, room, price, np.zeros_like(room))


def demand(found: Nets, where: Places, square: np.ndarray) -> np.ndarray:
    """Of each square of tiles, how much wire its tiles need, in 1024ths of a tile's wire: int64.

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


def scratch(net_count: int, wire_count: int, seed: int) -> Scratch:
    """All that the kernel needs besides, as at the start; seeds are spread by the golden ratio of 2^64."""
    logs = [round(-math.log((2 * step + 1) / (2 * LOG_STEPS)) * (1 << LOG_BITS)) for step in range(LOG_STEPS)]

    def whole(size):
        return np.zeros(size, dtype=np.int64)
    return Scratch(np.array([seed * 0x9E3779B97F4A7C15 % (1 << 64) | 1], dtype=np.uint64), np.array(logs), whole(1),
                   np.zeros(net_count, dtype=np.int32), np.zeros(wire_count, dtype=np.int32),
                   np.zeros(net_count, dtype=np.int32), whole(_MOST_NETS), np.zeros(_MOST_NETS, dtype=bool),
                   np.zeros((_MOST_NETS, 4), dtype=np.int32), np.zeros(wire_count, dtype=np.int32),
                   *(whole(MOST_MOVED) for _ in range(7)))


def _rows(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    start = np.zeros(len(rows) + 1, dtype=np.int32)
    np.cumsum([len(row) for row in rows], out=start[1:])
    return start, np.array([value for row in rows for value in row], dtype=np.int32)
