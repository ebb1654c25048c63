"""Give cells of Yosys' netlist the places that they have in a placed netlist, for nextpnr to keep."""

from __future__ import annotations

import json
from pathlib import Path

from firelane.boards.place.ecp5.block_sites import BLOCK_RAM, MULTIPLIER
from firelane.boards.place.ecp5.carry_cells import split_carries
from firelane.boards.place.ecp5.flip_flop_inputs import LUT, free_flip_flops
from firelane.boards.place.ecp5.movable_units import Unit
from firelane.boards.place.netlist.placed_netlist import FLIP_FLOP_CELL, LUT_CELL, PlacedNetlist

NAMED_CELLS = (LUT, FLIP_FLOP_CELL, LUT_CELL)           #: have the same names before nextpnr packs them and after


def fix_place(cell: dict, bel: str) -> None:
    """Give a cell of Yosys' JSON the attribute by which nextpnr places it."""
    cell["attributes"] = cell.get("attributes", {}) | {"BEL": bel}


def fix_places(synthesised: Path, netlist: PlacedNetlist, units: list[Unit], fixed: Path) -> None:
    """Write Yosys' JSON `synthesised` as `fixed`, with places of blocks, carry chains and units.

    Distributed RAM stays free. nextpnr finds it room where it had it before, for all others stand where they did.

    nextpnr could also read its own netlist again, placed. But version 0.11.1 loses constants at block RAMs then, and
    exchanges the inputs of carry LUTs.
    """
    document = json.loads(synthesised.read_text())
    cells = document["modules"]["top"]["cells"]
    for cell, bel in netlist.block_bel.items():
        one = cells.get(netlist.cells[cell].name)
        if one and one["type"] in (BLOCK_RAM, MULTIPLIER):
            fix_place(one, bel)
    for cell, one in split_carries(cells, netlist).items():
        fix_place(one, netlist.bel(cell))
    free = free_flip_flops(cells, netlist)
    for unit in units:
        named = [cells.get(netlist.cells[cell].name) for cell in unit.cells]
        if not all(one and one["type"] in NAMED_CELLS for one in named) or not free.isdisjoint(unit.cells):
            continue
        for cell, one in zip(unit.cells, named):
            fix_place(one, netlist.bel(cell))
    fixed.write_text(json.dumps(document))
