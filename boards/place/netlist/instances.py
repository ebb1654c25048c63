"""Whose cell each cell of a placed netlist is: the instance of the design that it came from.

Yosys names cells after the wires of the instance they were made for (`linked.engine.sequencer.state_TRELLIS_FF_Q`).
Some two in a hundred have lost that name: LUTs that were made last, and ends of carry chains. They are given to the
instance that most of the cells at their nets belong to.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from firelane.boards.place.netlist.placed_netlist import PlacedNetlist

DEPTH = 4                           #: levels of the hierarchy that are told apart
WIDEST_NET = 40                     #: pins; a wider net connects everything with everything
NAMELESS = ("wire_", "$")           #: how the names begin that Yosys and nextpnr make up
Net = int


def cell_instances(netlist: PlacedNetlist) -> list[str]:
    """The path of each cell's instance, "linked.engine.sequencer"; "" for those of the top level."""
    known = {number: _instance(cell.name) for number, cell in enumerate(netlist.cells)
             if "." in cell.name or not cell.name.startswith(NAMELESS)}
    at_net = _cells_at_nets(netlist)
    nameless = set(range(len(netlist.cells))) - known.keys()
    while found := _next_to(known, nameless, netlist, at_net):
        known |= found
        nameless -= found.keys()
    return [known.get(number, "") for number in range(len(netlist.cells))]


def _instance(name: str) -> str:
    return ".".join(name.split(".")[:-1][:DEPTH])


def _cells_at_nets(netlist: PlacedNetlist) -> dict[Net, list[int]]:
    cells: dict[Net, list[int]] = defaultdict(list)
    for number, cell in enumerate(netlist.cells):
        for net in set(cell.nets.values()):
            cells[net].append(number)
    return {net: there for net, there in cells.items() if len(there) <= WIDEST_NET}


def _next_to(known: dict[int, str], nameless: set[int], netlist: PlacedNetlist,
             at_net: dict[Net, list[int]]) -> dict[int, str]:
    """The nameless cells with a neighbour that is known, and what most of these are; ties go to the first by name."""
    found = {}
    for number in nameless:
        nets = netlist.cells[number].nets.values()
        votes = Counter(known[other] for net in nets for other in at_net.get(net, ()) if other in known)
        if votes:
            found[number] = min(votes, key=lambda instance: (-votes[instance], instance))
    return found
