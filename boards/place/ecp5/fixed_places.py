"""Give cells of Yosys' netlist the places that they have in a placed netlist, for nextpnr to keep."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from firelane.boards.place.ecp5.block_sites import BLOCK_RAM, MULTIPLIER
from firelane.boards.place.ecp5.carry_cells import split_carries
from firelane.boards.place.ecp5.flip_flop_inputs import LUT, free_flip_flops
from firelane.boards.place.ecp5.movable_units import Unit
from firelane.boards.place.ecp5.ram_cells import split_rams
from firelane.boards.place.netlist.placed_netlist import FF, FLIP_FLOP_CELL, LUT_CELL, PlacedNetlist

NAMED_CELLS = (LUT, FLIP_FLOP_CELL, LUT_CELL)           #: have the same names before nextpnr packs them and after


def fix_place(cell: dict, bel: str) -> None:
    """Give a cell of Yosys' JSON the attribute by which nextpnr places it."""
    cell["attributes"] = cell.get("attributes", {}) | {"BEL": bel}


def fix_places(synthesised: Path, netlist: PlacedNetlist, units: list[Unit], fixed: Path) -> None:
    """Write Yosys' JSON `synthesised` as `fixed`, with places of blocks, carry chains, distributed RAM and units.

    nextpnr could also read its own netlist again, placed. But version 0.11.1 loses constants at block RAMs then, and
    exchanges the inputs of carry LUTs.
    """
    document = json.loads(synthesised.read_text())
    cells = document["modules"]["top"]["cells"]
    for cell, bel in netlist.block_bel.items():
        one = cells.get(netlist.cells[cell].name)
        if one and one["type"] in (BLOCK_RAM, MULTIPLIER):
            fix_place(one, bel)
    for cell, one in (split_carries(cells, netlist) | split_rams(cells, netlist)).items():
        fix_place(one, netlist.bel(cell))
    free = free_flip_flops(cells, netlist)
    for together in (*(unit.cells for unit in units), *_behind_rams(netlist, units)):
        named = [cells.get(netlist.cells[cell].name) for cell in together]
        if not all(one and one["type"] in NAMED_CELLS for one in named) or not free.isdisjoint(together):
            continue
        for cell, one in zip(together, named):
            fix_place(one, netlist.bel(cell))
    fixed.write_text(json.dumps(document))


def _behind_rams(netlist: PlacedNetlist, units: list[Unit]) -> Iterator[tuple[int]]:
    """Flip-flops in no unit: they must stand beside what they read, which is distributed RAM."""
    in_units = {cell for unit in units for cell in unit.cells}
    return ((cell,) for cell in np.flatnonzero(netlist.kind == FF).tolist() if cell not in in_units)
