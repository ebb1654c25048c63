"""Delays of cells, as nextpnr writes them into an SDF file (IEEE 1497)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

_INSTANCE = "(INSTANCE "
_ARC = re.compile(r"\s*\(IOPATH (\S+) (\S+) \(\d+:\d+:(\d+)\)")
_SETUP = re.compile(r"\s*\(SETUPHOLD \(posedge (\S+)\) \(\w+ \S+\) \(\d+:\d+:(\d+)\)")
_WIRE = re.compile(r"\s*\(INTERCONNECT \S+ \S+ \(\d+:\d+:(\d+)\)")
_ESCAPE = re.compile(r"\\(.)")


@dataclass
class CellDelays:
    """The longest delays of one cell in picoseconds: from port to port, and what ports need before the clock's edge."""

    arcs: list[tuple[str, str, int]] = field(default_factory=list)
    setups: dict[str, int] = field(default_factory=dict)


@dataclass
class Delays:
    """cells : by name. shortest_wire : of the wires that take any time, in picoseconds."""

    cells: dict[str, CellDelays]
    shortest_wire: int


def read_delays(path: Path) -> Delays:
    """The delays of every cell; rising and falling edges have the same in nextpnr."""
    cells: dict[str, CellDelays] = {}
    cell, wires = CellDelays(), []
    with path.open() as lines:
        for line in lines:
            text = line.strip()
            if text.startswith(_INSTANCE):
                cell = cells.setdefault(_ESCAPE.sub(r"\1", text[len(_INSTANCE):-1]), CellDelays())
            elif arc := _ARC.match(line):
                cell.arcs.append((arc[1], arc[2], int(arc[3])))
            elif setup := _SETUP.match(line):
                cell.setups[setup[1]] = int(setup[2])
            elif wire := _WIRE.match(line):
                wires.append(int(wire[1]))
    return Delays(cells, min(filter(None, wires), default=0))
