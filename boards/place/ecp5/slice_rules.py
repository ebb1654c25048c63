"""What may stand together in a logic tile of the ECP5.

Eight LUTs and flip-flops in four slices share wires: one clock and one reset a tile, one enable a slice, and the M
input of a place, which leads either to its flip-flop or to a wide multiplexer. The rules are those by which nextpnr
accepts a tile (slices_compatible of its ecp5 architecture).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import product

from firelane.boards.place.netlist.placed_netlist import COMB, EMPTY, FF, Cell, PlacedNetlist

PLACES = 8              #: LUTs, and flip-flops, of a tile
_WRITER_SLICE = 2       #: slice C writes the distributed RAM in slices A and B

Tile = tuple[int, int]


@dataclass(frozen=True)
class Lut:
    """A TRELLIS_COMB. `uses_m`: it is the root of a wide multiplexer, `odd` if of one behind other multiplexers."""

    carry: bool
    ram: bool
    blocked: bool
    uses_m: bool
    odd: bool
    inversions: tuple[bool, bool]       #: of the RAM's clock and write enable

    @classmethod
    def of(cls, cell: Cell) -> Lut:
        mode, behind = cell.parameter("MODE", "LOGIC"), "FXA" in cell.nets or "FXB" in cell.nets
        inversions = (cell.parameter("WCKMUX", "WCK") == "INV", cell.parameter("WREMUX", "WRE") in ("INV", "0"))
        return cls(carry=mode == "CCU2", ram=mode == "DPRAM", blocked=mode == "RAMW_BLOCK",
                   uses_m=behind or "F1" in cell.nets, odd=behind, inversions=inversions)


@dataclass(frozen=True)
class FlipFlop:
    """A TRELLIS_FF: `slice` and `tile` must be the same for all in a slice, and in a tile."""

    uses_m: bool
    slice: tuple
    tile: tuple
    inversions: tuple[bool, bool]       #: of clock and reset

    @classmethod
    def of(cls, cell: Cell) -> FlipFlop:
        clock, enable, reset = (cell.parameter(f"{port}MUX", port) for port in ("CLK", "CE", "LSR"))
        inversions = (clock in ("INV", "0"), reset == "INV")
        return cls(uses_m="M" in cell.nets,
                   slice=(cell.parameter("GSR", "ENABLED"), enable in ("0", "1"), enable in ("0", "INV"),
                          cell.nets.get("CE")),
                   tile=(cell.nets.get("CLK"), cell.nets.get("LSR"), cell.parameter("SRMODE", "") == "ASYNC",
                         inversions),
                   inversions=inversions)


class LogicTiles:
    """Who stands where; cells can be put where there is room, and it can be asked whether that is allowed.

    Members
    -------
    tiles : {(x, y): (LUTs, flip-flops)}
        8 numbers of cells each, or EMPTY. All tiles of rows that have logic, between the first and the last column.
    """

    def __init__(self, netlist: PlacedNetlist):
        self._netlist = netlist
        self._ram_writers = netlist.ram_writers
        self._facts = [Lut.of(cell) if kind == COMB else FlipFlop.of(cell) if kind == FF else None
                       for cell, kind in zip(netlist.cells, netlist.kind.tolist())]
        self.tiles: dict[Tile, tuple[list[int], list[int]]] = defaultdict(lambda: ([EMPTY] * PLACES, [EMPTY] * PLACES))
        for cell, facts in enumerate(self._facts):
            if facts:
                self.put(cell)
        columns, rows = (sorted(set(axis)) for axis in zip(*self.tiles))
        self.tiles |= {tile: ([EMPTY] * PLACES, [EMPTY] * PLACES)
                       for tile in product(range(columns[0], columns[-1] + 1), rows) if tile not in self.tiles}
        self.tiles = dict(self.tiles)

    def facts(self, cell: int) -> Lut | FlipFlop | None:
        """What the rules say of a cell; None for what stands outside the slices."""
        return self._facts[cell]

    def lut(self, cell: int) -> Lut:
        """The same of a cell that is known to be a LUT."""
        found = self._facts[cell]
        assert isinstance(found, Lut)
        return found

    def flip_flop(self, cell: int) -> FlipFlop:
        """The same for a cell that is known to be a flip-flop."""
        found = self._facts[cell]
        assert isinstance(found, FlipFlop)
        return found

    def put(self, cell: int) -> None:
        """Enter a cell where the netlist says that it is."""
        netlist = self._netlist
        self.tiles[int(netlist.x[cell]), int(netlist.y[cell])][netlist.kind[cell]][netlist.lut[cell]] = cell

    def take(self, cell: int) -> None:
        """Remove it from there, if it is there."""
        netlist = self._netlist
        places = self.tiles[int(netlist.x[cell]), int(netlist.y[cell])][netlist.kind[cell]]
        if places[netlist.lut[cell]] == cell:
            places[netlist.lut[cell]] = EMPTY

    def strangers(self, flip_flop: int) -> set[int]:
        """Flip-flops that may not stand where they do beside this one."""
        facts, x, y = self.flip_flop(flip_flop), int(self._netlist.x[flip_flop]), int(self._netlist.y[flip_flop])
        own_slice = self._netlist.lut[flip_flop] // 2
        return {cell for lut, cell in enumerate(self.tiles[x, y][FF]) if cell not in (EMPTY, flip_flop)
                and (self.flip_flop(cell).tile != facts.tile
                     or (lut // 2 == own_slice and self.flip_flop(cell).slice != facts.slice))}

    def is_allowed(self, tile: Tile) -> bool:
        """Whether all that stands in the tile may stand together."""
        lut_cells, flip_flop_cells = self.tiles[tile]
        luts = [self.lut(cell) if cell != EMPTY else None for cell in lut_cells]
        flip_flops = [self.flip_flop(cell) if cell != EMPTY else None for cell in flip_flop_cells]
        writes_ram = tile in self._ram_writers
        slices = all(_slice_is_allowed(number, luts[2 * number:][:2], flip_flops[2 * number:][:2],
                                       writes_ram and number == _WRITER_SLICE) for number in range(PLACES // 2))
        controls = {one.tile for one in flip_flops if one}
        rams = {one.inversions for one in luts if one and one.ram}
        return slices and len(controls) <= 1 and len(rams | {one.inversions for one in flip_flops if one and rams}) <= 1


def _slice_is_allowed(number: int, luts: list, flip_flops: list, writes_ram: bool) -> bool:
    present = [lut for lut in luts if lut]
    for place, (lut, flip_flop) in enumerate(zip(luts, flip_flops)):
        if not lut:
            continue
        if (writes_ram and not lut.blocked) or (lut.ram and number >= _WRITER_SLICE):
            return False
        if lut.uses_m and (lut.odd != bool(place) or (flip_flop and flip_flop.uses_m)):
            return False
    return (len({lut.carry for lut in present}) <= 1
            and len({one.slice for one in flip_flops if one}) <= 1)
