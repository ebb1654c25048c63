"""Simulated annealing of a placed netlist: what stands in two places changes them, for short wires and early ends.

nextpnr's static placer ends with an eighth more wire than it has before cells get places of their own, and crowds most
of a design while a third of the device is nearly empty. Annealing from a low temperature makes wires shorter, spreads
what is crowded, and looks at time as it goes: Betz and Rose, "VPR: a new packing, placement and routing tool for FPGA
research" (FPL 1997); Marquardt, Betz and Rose, "Timing-driven placement for FPGAs" (FPGA 2000).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firelane.boards.place.anneal import tables
from firelane.boards.place.anneal.chain_moves import anneal_chains
from firelane.boards.place.anneal.layout import FIXED, Crowds, DeviceTables, Layout
from firelane.boards.place.anneal.moves import anneal_blocks, anneal_logic
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from firelane.boards.place.timing.timing_graph import TimingGraph
from firelane.boards.place.timing.wire_estimate import WireEstimate
from firelane.compiler.support.progress import Progress, silent

MOST_TRIES = 15         #: of a cell in a round
TOLL_MEMORY = 230       #: of 256 parts of a toll, how many are from rounds before
KEPT_SHARE = 5          #: the best of the last round in so many is kept, as in each some paths happen to be late
NEVER_REACHED = float("inf")
_SORT_TILES = 6         #: cells take turns with those of the same square of so many tiles


@dataclass(frozen=True)
class Cooling:
    """How long and how hot. Prices are in the unit of `tables.LENGTH_PRICE`, that of a tile of wire.

    Members
    -------
    rounds : after each the timing is analysed anew
    moves : exchanges of logic that are tried in a round, at most MOST_TRIES for each cell that can move
    block_moves : exchanges of block RAMs or multipliers, likewise
    chain_moves : exchanges of carry chains and all that stands beside them, likewise
    temperature : in the first round; falls with the square of the rounds that are left, and the last is cold
    reach : tiles, in the first round
    time_price : of a unit of a wire on a path that takes all the time there is
    sharpness : exponent of a path's share of the time
    crowd_price : of a pin in a square of tiles that has twice as many as there is room for, half of it
    pins_a_tile : there is room for
    toll : of a pin in a square of tiles across which twice as many wires lead as there is room for
    wires_a_tile : there is room for
    memory : of 256 parts of a price, how many are from rounds before
    """

    rounds: int = 150
    moves: int = 500_000
    block_moves: int = 5_000
    chain_moves: int = 10_000
    temperature: int = 1_500
    reach: int = 12
    time_price: int = 1 << 11
    sharpness: int = 8
    memory: int = 240
    crowd_price: int = 1 << 11
    pins_a_tile: int = 26
    toll: int = 1 << 11
    wires_a_tile: int = 100

    def __post_init__(self):
        for name in ("rounds", "pins_a_tile", "wires_a_tile"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)!r}")
        if not 0 <= self.memory < 256:
            raise ValueError(f"memory must be 0 to 255, not {self.memory!r}")


THOROUGH = Cooling()
_Kept = tuple[float, np.ndarray, np.ndarray, np.ndarray, dict[int, str], np.ndarray]
# The first tiles of a wire take longer than the others, which holds the cells of a path together at its ends: one that
# leaves the others makes one wire shorter by a tile, and another one by more. Where each tile counts the same, they can
# go one by one.
EVEN = WireEstimate(base=0, near_tiles=0)


class Annealer:
    """Moves the cells of `netlist`, whose timing `graph` knows, within what `device` allows."""

    def __init__(self, netlist: PlacedNetlist, graph: TimingGraph, device: DeviceTables, *, seed: int):
        self._netlist, self._graph, self._device = netlist, graph, device
        self._places = device.places
        self._places_of_a_tile = len(device.places.numbers)
        self._nets = tables.nets(netlist)
        self._wires = tables.wires(netlist, graph, EVEN)
        self._blocks = tables.blocks(netlist, device.sites)
        self._scratch = tables.scratch(len(self._nets.price), len(self._wires.price), self._places_of_a_tile, seed)
        self._movable = np.flatnonzero(device.rules.grain != FIXED).astype(np.int32)

    def run(self, cooling: Cooling, *, period: int, progress: Progress = silent) -> None:
        """Shorten wires, most of all those of paths that need most of `period` picoseconds."""
        crowds = tables.crowds(self._netlist, self._places, price=cooling.crowd_price,
                               pins_a_tile=cooling.pins_a_tile)
        layout = Layout(places=self._places, rules=self._device.rules, nets=self._nets, wires=self._wires,
                        crowds=crowds, scratch=self._scratch)
        moves = min(cooling.moves, MOST_TRIES * len(self._movable))
        block_moves = min(cooling.block_moves, MOST_TRIES * len(self._blocks.cells))
        chain_moves = min(cooling.chain_moves, MOST_TRIES * len(self._device.chains.first))
        best: _Kept = (NEVER_REACHED, *self._kept(period)[1:])
        for number in range(cooling.rounds):
            self._price_time(cooling, period, first=number == 0)
            self._price_crossing(cooling, crowds)
            left = cooling.rounds - number - 1
            temperature = cooling.temperature * left * left // cooling.rounds**2
            reach = max(2, cooling.reach * left // cooling.rounds)
            anneal_blocks(layout, self._blocks, block_moves, temperature)
            anneal_chains(layout, self._device.chains, chain_moves, temperature, reach)
            anneal_logic(layout, self._neighbours(), moves, temperature, reach)
            self._netlist.x[:], self._netlist.y[:] = self._places.x, self._places.y
            progress("annealing", number + 1, cooling.rounds)
            if left < max(1, cooling.rounds // KEPT_SHARE):
                best = min(best, self._kept(period), key=lambda kept: kept[0])
        _, self._netlist.x[:], self._netlist.y[:], self._netlist.lut[:], sites, self._nets.box[:] = best
        self._netlist.block_bel |= sites

    def length(self) -> int:
        """Length of all nets together, in tiles of their half perimeters."""
        low_x, high_x, low_y, high_y = self._nets.box.astype(np.int64).T
        return int((high_x - low_x + high_y - low_y).sum())

    def _neighbours(self) -> np.ndarray:
        """The movable cells, in the order of their places."""
        x, y = self._places.x[self._movable], self._places.y[self._movable]
        return self._movable[np.lexsort((y, x // _SORT_TILES, y // _SORT_TILES))]

    def _price_time(self, cooling: Cooling, period: int, *, first: bool) -> None:
        """Price wires by the share of `period` that the longest path over each takes; prices follow slowly, too."""
        slack = self._graph.analyse(period, 0).slack
        share = np.clip((period - slack) * 256 // period, 0, 333)       # of 256, up to 1.3 times the period
        price = np.full(len(share), cooling.time_price)
        for _ in range(cooling.sharpness):
            price = price * share >> 8
        if not first:
            price = (self._wires.price * cooling.memory + price * (256 - cooling.memory)) >> 8
        self._wires.price[:] = np.where(self._graph.direct | (price < cooling.time_price >> 4), 0, price)

    def _price_crossing(self, cooling: Cooling, crowds: Crowds) -> None:
        """Tolls follow demand slowly, or else all would leave a crowded square at once, and come back."""
        room = cooling.wires_a_tile * tables.LENGTH_PRICE
        demand = tables.demand(self._nets, self._places, crowds.square)
        toll = cooling.toll * np.maximum(demand - room, 0) // room
        crowds.toll[:] = (crowds.toll * TOLL_MEMORY + toll * (256 - TOLL_MEMORY)) >> 8

    def _kept(self, period: int) -> _Kept:
        """How late all ends together are, places as they are now, and extents of nets."""
        late = np.maximum(-self._graph.end_slacks(period), 0)
        slots, sites = self._places.slot, tables.numbered(self._device.sites)
        lut = np.where(self._netlist.lut < 0, self._netlist.lut, slots % self._places_of_a_tile)
        bels = {cell: sites[site].bel for cell, site in zip(self._blocks.cells.tolist(), self._blocks.site.tolist())}
        return (float((late.astype(float)**3).sum()), self._netlist.x.copy(), self._netlist.y.copy(), lut, bels,
                self._nets.box.copy())
