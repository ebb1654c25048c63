"""What annealing must know of an ECP5 and of what stands in it: slots, rules of tiles, carry chains."""

from __future__ import annotations

import numpy as np

from firelane.boards.place.anneal.layout import CLOSED, FIXED, MOST_STRIP, Chains, DeviceTables, Places, Rules
from firelane.boards.place.anneal.tables import as_rows
from firelane.boards.place.blocks.sites import Sites
from firelane.boards.place.ecp5.carry_cells import carry_chains
from firelane.boards.place.ecp5.movable_units import Unit
from firelane.boards.place.ecp5.ram_cells import ram_luts
from firelane.boards.place.ecp5.slice_rules import PLACES, FlipFlop, LogicTiles, Lut
from firelane.boards.place.netlist.placed_netlist import EMPTY, FF, PlacedNetlist

_BLOCKS_OF_A_TILE = (1, 2, 4, 8)


def device_tables(netlist: PlacedNetlist, tiles: LogicTiles, units: list[Unit], sites: Sites) -> DeviceTables:
    """All that there is to know; blocks may take the places `sites`."""
    where = places(netlist, tiles)
    return DeviceTables(where, rules(netlist, tiles, units, where), chains(netlist, units, where), sites)


def places(netlist: PlacedNetlist, tiles: LogicTiles) -> Places:
    """What stands in slices now; slices with carries or distributed RAM are closed, and for flip-flops its whole tile.

    LUTs of RAM are entered like those of carry chains, and each writer at a place that nobody has.
    """
    tile_x, tile_y = (np.array(axis, dtype=np.int32) for axis in zip(*tiles.tiles))
    tile_at = np.full((tile_x.max() + 1, tile_y.max() + 1), EMPTY, dtype=np.int32)
    tile_at[tile_x, tile_y] = np.arange(len(tile_x))
    luts, flip_flops = (np.array([one[kind] for one in tiles.tiles.values()], dtype=np.int32).ravel()
                        for kind in range(2))
    slot = np.full(len(netlist.cells), EMPTY, dtype=np.int32)
    for holders in (luts, flip_flops):
        slot[holders[holders >= 0]] = np.flatnonzero(holders >= 0)
    bound = [cell >= 0 and _is_bound(tiles.lut(cell)) for cell in luts.tolist()]
    carries = np.where(bound, luts, EMPTY).astype(np.int32)
    luts[np.repeat((carries != EMPTY).reshape(-1, 2).any(axis=1), 2)] = CLOSED
    in_rams = np.isin(np.arange(len(luts)) // PLACES, slot[ram_luts(netlist)] // PLACES)
    flip_flops[in_rams & (flip_flops == EMPTY)] = CLOSED
    for cell in netlist.writers:
        first = PLACES * int(tile_at[netlist.x[cell], netlist.y[cell]])
        for holders, nobody in ((flip_flops, CLOSED), (carries, EMPTY)):
            unused = np.flatnonzero(holders[first:first + PLACES] == nobody)
            if slot[cell] == EMPTY and len(unused):
                slot[cell] = first + unused[0]
                holders[slot[cell]] = cell
    x, y = netlist.x.astype(np.int32), netlist.y.astype(np.int32)
    return Places(numbers=tuple(range(PLACES)), x=x, y=y, slot=slot, luts=luts, flip_flops=flip_flops, carries=carries,
                  tile_x=tile_x, tile_y=tile_y, tile_at=tile_at)


def _is_bound(lut: Lut) -> bool:
    """Whether it can only move with all of its tile."""
    return lut.carry or lut.ram or lut.blocked


def rules(netlist: PlacedNetlist, tiles: LogicTiles, units: list[Unit], where: Places) -> Rules:
    """The rules of all cells; those that are closed in stay."""
    count = len(netlist.cells)
    grain, alone, uses_m = np.full(count, FIXED, dtype=np.int32), np.zeros(count, bool), np.zeros(count, bool)
    tile, in_slice = np.zeros(count, dtype=np.int32), np.zeros(count, dtype=np.int32)
    beside_rams = np.isin(np.arange(len(where.luts)) // PLACES, where.slot[ram_luts(netlist)] // PLACES)
    free = set(where.luts.tolist()) | set(where.flip_flops[~beside_rams].tolist())
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
    return Rules(is_flip_flop=netlist.kind == FF, grain=grain, alone=alone, uses_m=uses_m, tile=tile, slice=in_slice)


def _grain(slots: np.ndarray) -> int:
    """The smallest block of a tile that has all of them."""
    return next((size for size in _BLOCKS_OF_A_TILE if slots.min() // size == slots.max() // size), FIXED)


def chains(netlist: PlacedNetlist, units: list[Unit], where: Places) -> Chains:
    """All carry chains, and which tiles may not be moved with one. A tile with distributed RAM counts as a chain.

    Closed are tiles with cells that must stay, those of chains of more than MOST_STRIP tiles, and those of units that
    lie in several tiles, but not in those of one chain.
    """
    tile = where.slot // PLACES
    rams: dict[int, list[int]] = {int(tile[cell]): [cell] for cell in netlist.writers if where.slot[cell] != EMPTY}
    for cell in ram_luts(netlist):
        rams.get(int(tile[cell]), []).append(cell)
    stays = ~np.isin(tile, list(rams))
    for unit in units:
        stays[list(unit.cells)] = False
    closed = where.luts.reshape(-1, PLACES) == CLOSED
    closed = (closed & (where.carries.reshape(-1, PLACES) == EMPTY)).all(axis=1)
    closed[tile[stays & (where.slot >= 0)]] = True
    of_tile = np.full(len(where.tile_x), EMPTY, dtype=np.int32)
    rows: list[tuple[list[int], list[int]]] = []        # bits of each chain, and its tiles
    for cells in (*carry_chains(netlist), *rams.values()):
        own = sorted(set(tile[cells].tolist()), key=lambda one: int(where.tile_x[one]))
        if len(own) > MOST_STRIP:
            closed[own] = True
        of_tile[own] = len(rows)
        rows.append((cells, own))
    for unit in units:
        under = np.unique(tile[list(unit.cells)])
        if len(under) > 1 and (of_tile[under].min() != of_tile[under].max() or of_tile[under[0]] == EMPTY):
            closed[under] = True
    first = np.array([own[0] for _, own in rows], dtype=np.int32)
    length = np.array([len(own) for _, own in rows], dtype=np.int32)
    start, bits = as_rows([cells for cells, _ in rows])
    return Chains(start=start, cells=bits, first=first, length=length, of_tile=of_tile, closed=closed)
