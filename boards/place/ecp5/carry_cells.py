"""Write carry chains as the cells that nextpnr makes of them, so that every cell can be given a place.

Of a CCU2C, which is two bits of a chain, nextpnr makes two cells; and where the fabric leads into a chain or out of
it, a CCU2C of its own. It takes a place for Yosys' CCU2C, but gives it to only one of the two. It takes the two cells
as they are, though, if Yosys' netlist has them already.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from firelane.boards.place.ecp5.slice_rules import Lut
from firelane.boards.place.netlist.placed_netlist import COMB, LUT_CELL, PlacedNetlist

CARRY = "CCU2C"             #: Yosys' cell, two bits
_PARAMETERS = ("MODE", "INITVAL", "CCU2_INJECT1", "WREMUX")
NO_NET = -1                 #: what no port is connected to
_SUFFIX = "$CCU2_COMB"
_INPUTS = ("A", "B", "C", "D")


def unused_bits(cells: dict[str, dict]) -> Iterator[int]:
    """Numbers for new nets of Yosys' JSON."""
    return count(1 + max((bit for one in cells.values() for net in one["connections"].values() for bit in net
                          if isinstance(bit, int)), default=0))


def carry_bits(netlist: PlacedNetlist) -> list[int]:
    """All cells of carry chains."""
    return [cell for cell, one in enumerate(netlist.cells)
            if netlist.kind[cell] == COMB and Lut.of(one).carry]


def carry_chains(netlist: PlacedNetlist) -> list[list[int]]:
    """The cells of each chain, in the order of its bits."""
    bits = carry_bits(netlist)
    reader = {netlist.cells[bit].nets["FCI"]: bit for bit in bits if "FCI" in netlist.cells[bit].nets}
    driven = {netlist.cells[bit].nets["FCO"] for bit in bits if "FCO" in netlist.cells[bit].nets}
    chains = []
    for bit in bits:
        if netlist.cells[bit].nets.get("FCI") not in driven:
            chains.append([bit])
            while (after := reader.get(netlist.cells[chains[-1][-1]].nets.get("FCO", NO_NET))) is not None:
                chains[-1].append(after)
    return chains


def split_carries(cells: dict[str, dict], netlist: PlacedNetlist) -> dict[int, dict]:
    """Replace all CCU2C in `cells`, those of Yosys' JSON, as nextpnr did in `netlist`; gives the new ones by number.

    Wires from carry to carry get new numbers. All others keep theirs: what a bit reads and drives is at the port of
    the CCU2C that it was, what a cell between chain and fabric reads or drives at the end of the chain beside it.
    """
    bits = carry_bits(netlist)
    chain = _ChainNets(cells, netlist, bits)
    made = {bit: chain.cell(bit) for bit in bits}
    for name in [name for name, one in cells.items() if one["type"] == CARRY]:
        del cells[name]
    cells |= {netlist.cells[bit].name: one for bit, one in made.items()}
    return made


class _ChainNets:
    """Which of Yosys' nets the ports of nextpnr's cells have."""

    def __init__(self, cells: dict[str, dict], netlist: PlacedNetlist, bits: list[int]):
        self._cells, self._netlist = cells, netlist
        self._before, self._after = ({netlist.cells[bit].nets[port]: bit for bit in bits
                                      if port in netlist.cells[bit].nets} for port in ("FCO", "FCI"))
        unused = unused_bits(cells)
        self._carries = {net: next(unused) for net in dict.fromkeys((*self._before, *self._after))}

    def cell(self, bit: int) -> dict:
        """A bit of a chain as a cell of Yosys' JSON."""
        one = self._netlist.cells[bit]
        parameters = {name: one.parameters[name] for name in _PARAMETERS if name in one.parameters}
        connections = {port: [self._net(bit, port)] for port in one.nets}
        directions = {port: "output" if port in one.outputs else "input" for port in one.nets}
        return {"type": LUT_CELL, "parameters": parameters, "attributes": {}, "port_directions": directions,
                "connections": connections}

    def _net(self, bit: int, port: str) -> int | str:
        if port in ("FCI", "FCO"):
            return self._carries[self._netlist.cells[bit].nets[port]]
        original, half = self._original(bit)
        if original:
            return original["connections"][port + half if port in _INPUTS else "S" + half][0]
        return self._end(bit, port)

    def _end(self, bit: int, port: str) -> int | str:
        """The net between chain and fabric: it was at the carry that is next to the cell which nextpnr has added."""
        own, beside, end = ("FCO", self._after, "CIN") if port in _INPUTS else ("FCI", self._before, "COUT")
        original = None
        while not original:
            bit = beside[self._netlist.cells[bit].nets[own]]
            original, _ = self._original(bit)
        return original["connections"][end][0]

    def _original(self, bit: int) -> tuple[dict | None, str]:
        """Yosys' CCU2C, and which of its bits; None if nextpnr has added the cell."""
        name, _, half = self._netlist.cells[bit].name.rpartition(_SUFFIX)
        return self._cells.get(name), half
