"""Write distributed RAM as the cells that nextpnr makes of it, so that it can be given places.

Of a TRELLIS_DPR16X4, nextpnr makes four LUTs that read, a writer, and two LUTs that stand for those that the writer
takes: three slices of one tile, in places of their own. It takes the cells as they are if Yosys' netlist has them
already.
"""

from __future__ import annotations

from firelane.boards.place.ecp5.carry_cells import unused_bits
from firelane.boards.place.ecp5.slice_rules import Lut
from firelane.boards.place.netlist.placed_netlist import COMB, PlacedNetlist

RAM = "TRELLIS_DPR16X4"         #: Yosys' cell: 16 words of 4 bits
_PARAMETERS = ("MODE", "INITVAL", "WCKMUX", "WREMUX", "CCU2_INJECT1")
_READER, _WRITER = "$DPRAM_COMB", "$RAMW_SLICE"     #: what nextpnr appends to the name of the RAM
_READ_ADDRESS = ("D", "B", "C", "A")                #: ports for its bits
_WRITE_ADDRESS = ("D0", "B0", "C0", "A0")
_WRITE_DATA = ("C1", "A1", "D1", "B1")


def ram_luts(netlist: PlacedNetlist) -> list[int]:
    """All LUTs of distributed RAM, those that a writer takes among them."""
    facts = {cell: Lut.of(one) for cell, one in enumerate(netlist.cells) if netlist.kind[cell] == COMB}
    return [cell for cell, lut in facts.items() if lut.ram or lut.blocked]


def split_rams(cells: dict[str, dict], netlist: PlacedNetlist) -> dict[int, dict]:
    """Replace all RAM in `cells`, those of Yosys' JSON, as nextpnr did in `netlist`; gives the new ones by number."""
    unused = unused_bits(cells)
    rams = {name: _port_nets(one["connections"], unused) for name, one in cells.items() if one["type"] == RAM}
    made = {number: _cell(netlist, number, rams) for number in [*ram_luts(netlist), *netlist.writers]}
    for name in rams:
        del cells[name]
    cells |= {netlist.cells[number].name: one for number, one in made.items()}
    return made


def _port_nets(ports: dict[str, list], unused) -> dict[str, dict[str, int | str]]:
    """The nets of the writer, and of each LUT that reads, by what nextpnr calls them."""
    address = {f"WADO{bit}": next(unused) for bit in range(4)}
    data = {f"WDO{bit}": next(unused) for bit in range(4)}
    found = {_WRITER: address | data | dict(zip(_WRITE_ADDRESS, ports["WAD"])) | dict(zip(_WRITE_DATA, ports["DI"]))}
    for bit in range(4):
        found[f"{_READER}{bit}"] = (
            dict(zip(_READ_ADDRESS, ports["RAD"])) | {f"WAD{n}": address[f"WADO{n}"] for n in range(4)}
            | {"WD": data[f"WDO{bit}"], "F": ports["DO"][bit], "WCK": ports["WCK"][0], "WRE": ports["WRE"][0]})
    return found


def _cell(netlist: PlacedNetlist, number: int, rams: dict[str, dict]) -> dict:
    one = netlist.cells[number]
    name, mark, suffix = one.name.rpartition("$")
    nets = rams[name].get(mark + suffix, {})
    return {"type": one.type, "attributes": {},
            "parameters": {key: one.parameters[key] for key in _PARAMETERS if key in one.parameters},
            "port_directions": {port: "output" if port in one.outputs else "input" for port in one.nets},
            "connections": {port: [nets[port]] for port in one.nets}}
