"""Give cells of Yosys' netlist the places that they have in a placed netlist, for nextpnr to keep."""

from __future__ import annotations

import json
from pathlib import Path

from boards.block_sites import BLOCK_RAM, MULTIPLIER
from boards.movable_units import Unit
from boards.placed_netlist import COMB, PlacedNetlist
from boards.slice_rules import LogicTiles

NAMED_CELLS = ("LUT4", "TRELLIS_FF")        #: have the same names before nextpnr packs them and after


def fix_place(cell: dict, bel: str) -> None:
    """Give a cell of Yosys' JSON the attribute by which nextpnr places it."""
    cell["attributes"] = cell.get("attributes", {}) | {"BEL": bel}


def fix_places(synthesised: Path, netlist: PlacedNetlist, tiles: LogicTiles, units: list[Unit], fixed: Path) -> int:
    """Write Yosys' JSON `synthesised` as `fixed`, with places of blocks and units; returns how many units.

    Carry chains and what belongs to them stay free: nextpnr makes two cells of one of Yosys', and takes a place for
    only one. It finds them room where they had it before, for all others stand where they did.

    nextpnr could also read its own netlist again, placed. But version 0.11.1 loses constants at block RAMs then, and
    exchanges the inputs of carry LUTs.
    """
    document = json.loads(synthesised.read_text())
    cells = document["modules"]["top"]["cells"]
    for cell, bel in netlist.block_bel.items():
        one = cells.get(netlist.cells[cell].name)
        if one and one["type"] in (BLOCK_RAM, MULTIPLIER):
            fix_place(one, bel)
    count = 0
    for unit in units:
        luts = [cell for cell in unit.cells if netlist.kind[cell] == COMB]
        named = [cells.get(netlist.cells[cell].name) for cell in unit.cells]
        is_known = all(one and one["type"] in NAMED_CELLS for one in named)
        if not is_known or any(tiles.facts(cell).carry for cell in luts):
            continue
        for cell, one in zip(unit.cells, named):
            fix_place(one, netlist.bel(cell))
        count += 1
    fixed.write_text(json.dumps(document))
    return count
