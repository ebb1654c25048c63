"""A netlist as nextpnr has placed it: cells, their places, and the pins between them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_BEL = re.compile(r"X(\d+)/Y(\d+)/(\S+)")
_SLICE_BEL = re.compile(r"SLICE([A-D])\.(K|FF)([01])")

COMB, FF = 0, 1
EMPTY = -1              #: in place of a cell's number, where there is none
LUT_CELL, FLIP_FLOP_CELL = "TRELLIS_COMB", "TRELLIS_FF"         #: nextpnr's types of what stands in slices
_KIND_LETTERS = {COMB: "K", FF: "FF"}


@dataclass(frozen=True)
class Cell:
    """One of nextpnr's cells: type, parameters without blanks, and the number of the net at each connected port."""

    name: str
    type: str
    parameters: dict[str, str]
    nets: dict[str, int]
    outputs: frozenset[str]

    def parameter(self, name: str, default: str) -> str:
        return self.parameters.get(name, default)


class PlacedNetlist:
    """nextpnr's `--write` after placement; places may be changed.

    Members
    -------
    cells : list of Cell
    x, y : int64 (cells,)
        Tile; -1 for what has no place.
    kind, lut : int64 (cells,)
        Of cells in slices: COMB or FF, and which of the tile's 8; -1 for all others.
    block_bel : {cell: str}
        nextpnr's name of the place of what stands outside the slices.
    writers : list of int
        Cells that write distributed RAM, from slice C.
    """

    def __init__(self, path: Path):
        cells = json.loads(path.read_text())["modules"]["top"]["cells"]
        self.cells = [_cell(name, cell) for name, cell in cells.items()]
        self.x, self.y, self.kind, self.lut = (np.full(len(self.cells), -1) for _ in range(4))
        self.block_bel: dict[int, str] = {}
        self.writers: list[int] = []
        for number, cell in enumerate(cells.values()):
            self._locate(number, cell["attributes"].get("NEXTPNR_BEL", ""))

    def _locate(self, number: int, bel: str) -> None:
        place = _BEL.fullmatch(bel)
        if not place:
            return
        self.x[number], self.y[number] = int(place[1]), int(place[2])
        if in_slice := _SLICE_BEL.fullmatch(place[3]):
            self.kind[number] = next(kind for kind, letters in _KIND_LETTERS.items() if letters == in_slice[2])
            self.lut[number] = 2 * "ABCD".index(in_slice[1]) + int(in_slice[3])
        elif place[3].endswith("RAMW"):
            self.writers.append(number)
        else:
            self.block_bel[number] = bel

    @property
    def ram_writers(self) -> set[tuple[int, int]]:
        """The tiles whose slice C writes distributed RAM."""
        return set(zip(self.x[self.writers].tolist(), self.y[self.writers].tolist()))

    def bel(self, number: int) -> str:
        """nextpnr's name of the place in a slice where a cell is."""
        if number in self.writers:
            return f"X{self.x[number]}/Y{self.y[number]}/SLICEC.RAMW"
        lut = int(self.lut[number])
        return (f"X{self.x[number]}/Y{self.y[number]}/"
                f"SLICE{'ABCD'[lut // 2]}.{_KIND_LETTERS[self.kind[number]]}{lut % 2}")


def _cell(name: str, cell: dict) -> Cell:
    nets = {port: bits[0] for port, bits in cell["connections"].items() if bits and isinstance(bits[0], int)}
    outputs = frozenset(port for port in nets if cell["port_directions"][port] == "output")
    return Cell(name, cell["type"], {key: value.strip() for key, value in cell["parameters"].items()}, nets, outputs)
