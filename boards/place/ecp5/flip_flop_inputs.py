"""Leave nextpnr no choice which flip-flop it puts behind a LUT.

A slot of a slice has a LUT, and a flip-flop that can take the LUT's output without a wire. nextpnr joins a flip-flop
with the LUT that it reads when it packs a netlist; of several that read the same LUT, the first that it meets, and
which one that is depends on all other cells. A netlist with places must be packed as it was without, so there is
to be one only.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from firelane.boards.place.ecp5.carry_cells import CARRY, carry_bits, unused_bits
from firelane.boards.place.ecp5.ram_cells import RAM, ram_luts
from firelane.boards.place.netlist.placed_netlist import FF, FLIP_FLOP_CELL, LUT_CELL, Cell, PlacedNetlist

LUT = "LUT4"                    #: Yosys' cell; a flip-flop is called the same by both
_OUTPUTS = {LUT: ("Z",), CARRY: ("S0", "S1"), RAM: ("DO",)}
_FOLLOW = f"{0xAAAA:016b}"      #: INIT of a LUT whose output is input A
_SUFFIX = "$behind"


def separate_flip_flops(netlist: Path) -> None:
    """Let all flip-flops of Yosys' JSON but the first that read a LUT read it through LUTs of their own."""
    document = json.loads(netlist.read_text())
    cells = document["modules"]["top"]["cells"]
    driven = {bit for cell in cells.values() for port in _OUTPUTS.get(cell["type"], ())
              for bit in cell["connections"].get(port, ())}
    taken: Counter[int] = Counter()
    unused = unused_bits(cells)
    for name in [name for name, cell in cells.items() if cell["type"] == FLIP_FLOP_CELL]:
        bit = cells[name]["connections"]["DI"][0]
        taken[bit] += 1
        if bit in driven and taken[bit] > 1:
            _insert_lut(cells, name, next(unused))
    netlist.write_text(json.dumps(document))


def free_flip_flops(cells: dict[str, dict], netlist: PlacedNetlist) -> set[int]:
    """The flip-flops to which nextpnr must give places itself; some of them get LUTs.

    They read constants, which have no cells yet; or a carry chain or RAM behind which they may not stand: nextpnr
    notices that only where it makes these, not where `cells` have their bits (`boards.place.ecp5.carry_cells`,
    `ram_cells`).
    """
    made = [*carry_bits(netlist), *ram_luts(netlist)]
    sums = {netlist.cells[bit].nets.get("F") for bit in made} - {None}
    free, unused = set(), unused_bits(cells)
    for cell, one in enumerate(netlist.cells):
        if netlist.kind[cell] == FF and one.name in cells:
            is_apart = one.nets.get("M") in sums
            if is_apart:
                _insert_lut(cells, one.name, next(unused))
            if is_apart or not isinstance(cells[one.name]["connections"]["DI"][0], int):
                free.add(cell)
    return free


def is_follower(cell: Cell) -> bool:
    """Whether nextpnr's cell is one of these LUTs."""
    return (cell.type == LUT_CELL and cell.name.endswith(_SUFFIX) and cell.parameter("INITVAL", "") == _FOLLOW
            and cell.nets.keys() == {"A", "F"})


def _insert_lut(cells: dict[str, dict], flip_flop: str, between: int) -> None:
    """Put a LUT in front of a flip-flop; `between` is the number of the wire from one to the other."""
    data = cells[flip_flop]["connections"]["DI"]
    cells[flip_flop + _SUFFIX] = {
        "type": LUT, "parameters": {"INIT": _FOLLOW}, "attributes": {},
        "port_directions": {"A": "input", "B": "input", "C": "input", "D": "input", "Z": "output"},
        "connections": {"A": data, "B": ["0"], "C": ["0"], "D": ["0"], "Z": [between]}}
    cells[flip_flop]["connections"]["DI"] = [between]
