"""A synthesised netlist as arrays: cells, and the nets between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

WIDEST_NET = 2500       #: pins; a wider net is a clock, which has wires of its own


@dataclass(frozen=True)
class LogicTypes:
    """Types of a device's cells.

    Members
    -------
    areas : of each type of logic, how many LUTs a cell takes
    ignored : those that are placed by nobody, or cannot be anywhere else
    """

    areas: Mapping[str, float]
    ignored: frozenset[str]


@dataclass(frozen=True, eq=False)
class NetlistGraph:
    """Pins sorted by net.

    Members
    -------
    names, types : (cells,)
    logic : int64: numbers of the cells of logic
    area : float64 (cells,): LUTs that a cell takes, 0 for what is no logic
    net, cell : int64 (pins,): a pin for each net and cell that it connects
    start, degree : int64 (nets,): of each net its first pin and its number of pins, at least 2
    """

    names: list[str]
    types: np.ndarray
    logic: np.ndarray
    area: np.ndarray
    net: np.ndarray
    cell: np.ndarray
    start: np.ndarray
    degree: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def of_type(self, kind: str) -> np.ndarray:
        """Numbers of the cells of this type."""
        return np.flatnonzero(self.types == kind)

    def extents(self, position: np.ndarray) -> np.ndarray:
        """Extent of each net along one axis; `position` of each cell."""
        pins = position[self.cell]
        return np.maximum.reduceat(pins, self.start) - np.minimum.reduceat(pins, self.start)

    def wire_length(self, x: np.ndarray, y: np.ndarray) -> float:
        """Half the perimeter of every net's bounding box, in all."""
        return float((self.extents(x) + self.extents(y)).sum())


def netlist_graph(module: dict, logic: LogicTypes) -> NetlistGraph:
    """The graph of a module in Yosys' JSON, which must have at least one net between two cells."""
    cells = {name: cell for name, cell in module["cells"].items() if cell["type"] not in logic.ignored}
    nets: list[int] = []
    owners: list[int] = []
    for number, cell in enumerate(cells.values()):
        bits = {bit for port in cell["connections"].values() for bit in port if isinstance(bit, int)}
        nets += bits
        owners += [number] * len(bits)
    order = np.lexsort((owners, nets))
    net, owner = np.array(nets)[order], np.array(owners)[order]
    _, net, degree = np.unique(net, return_inverse=True, return_counts=True)
    kept = (degree >= 2) & (degree <= WIDEST_NET)
    pins, degree = kept[net], degree[kept]
    types = np.array([cell["type"] for cell in cells.values()])
    return NetlistGraph(
        names=list(cells), types=types, logic=np.flatnonzero(np.isin(types, list(logic.areas))),
        area=np.array([logic.areas.get(kind, 0.0) for kind in types]),
        net=(np.cumsum(kept) - 1)[net[pins]], cell=owner[pins], start=np.cumsum(degree) - degree, degree=degree)
