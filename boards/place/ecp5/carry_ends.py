"""Open the ends of carry chains in a netlist for nextpnr, which otherwise spends two LUTs on each."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from firelane.boards.place.ecp5.carry_cells import CARRY

UNCONNECTED = ["x"]


def open_carry_ends(netlist: Path) -> None:
    """Disconnect, in Yosys' JSON, carry outputs that nobody reads and carry inputs that do not matter.

    Yosys connects both ends of every chain, to a net without a reader and to a constant. nextpnr leads every connected
    end to the fabric, through a slice of its own.
    """
    document = json.loads(netlist.read_text())
    for module in document["modules"].values():
        cells = [cell for cell in module["cells"].values() if cell["type"] == CARRY]
        if not cells:
            continue
        readers = Counter(bit for cell in module["cells"].values() for bits in cell["connections"].values()
                          for bit in bits)
        readers.update(bit for port in module["ports"].values() for bit in port["bits"])
        for cell in cells:
            ports = cell["connections"]
            if readers[ports["COUT"][0]] == 1:              # the output itself
                ports["COUT"] = UNCONNECTED
            if readers[ports["S0"][0]] == 1 and _begins(cell) and ports["CIN"][0] in ("0", "1"):
                ports["CIN"] = UNCONNECTED
    netlist.write_text(json.dumps(document))


def _begins(cell: dict) -> bool:
    """Whether the first bit generates its carry whatever comes in: C and D are 1, for which its LUT is 0."""
    ports, init = cell["connections"], int(cell["parameters"]["INIT0"], 2)
    return (ports["C0"], ports["D0"]) == (["1"], ["1"]) and init >> 12 == 0
