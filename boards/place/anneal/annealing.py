"""Simulated annealing of a placed netlist: what stands in two places changes them, for short wires and early ends.

nextpnr's static placer ends with an eighth more wire than it has before cells get places of their own, and crowds most
of a design while a third of the device is nearly empty. Annealing from a low temperature makes wires shorter, spreads
what is crowded, and looks at time as it goes: Betz and Rose, "VPR: a new packing, placement and routing tool for FPGA
research" (FPL 1997); Marquardt, Betz and Rose, "Timing-driven placement for FPGAs" (FPGA 2000).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firelane.boards.place.anneal import tables as anneal_tables
from firelane.boards.place.anneal.chains import anneal_chains
from firelane.boards.place.anneal.kernel import anneal_blocks, anneal_logic
from firelane.boards.place.anneal.state import Board, Crowds
from firelane.boards.place.ecp5.block_sites import Sites
from firelane.boards.place.ecp5.movable_units import Unit
from firelane.boards.place.ecp5.slice_rules import PLACES, LogicTiles
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from firelane.boards.place.timing.timing_graph import TimingGraph
from firelane.compiler.support.progress import Progress, silent

MOST_TRIES = 15         #: of a cell in a round
TOLL_MEMORY = 230       #: of 256 parts of a toll, how many are from rounds before
_SORT_TILES = 6         #: cells take turns with those of the same square of so many tiles


@dataclass(frozen=True)
class Schedule:
    """How long and how hot. Prices are those of `anneal_tables.LENGTH_PRICE`.

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
    memory: int = 192
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


THOROUGH = Schedule()


class Annealer:
    """Works on `netlist` in place; `graph` knows its timing. Blocks exchange places, or go to free ones of `sites`."""

    def __init__(self, netlist: PlacedNetlist, tiles: LogicTiles, units: list[Unit], graph: TimingGraph,
                 sites: Sites, *, seed: int):
        self._netlist, self._graph, self._sites = netlist, graph, sites
        self._places = anneal_tables.places(netlist, tiles)
        self._rules = anneal_tables.rules(netlist, tiles, units, self._places)
        self._nets = anneal_tables.nets(netlist)
        self._wires = anneal_tables.wires(netlist, graph)
        self._chains = anneal_tables.chains(netlist, units, self._places)
        self._blocks = anneal_tables.blocks(netlist, sites)
        self._scratch = anneal_tables.scratch(len(self._nets.price), len(self._wires.price), seed)
        self._movable = np.flatnonzero(self._rules.grain <= PLACES).astype(np.int32)

    def run(self, schedule: Schedule, *, period: int, progress: Progress = silent) -> None:
        """Shorten wires, most of all those of paths that need most of `period` picoseconds."""
        crowds = anneal_tables.crowds(self._netlist, self._places, price=schedule.crowd_price,
                                      pins_a_tile=schedule.pins_a_tile)
        board = Board(self._places, self._rules, self._nets, self._wires, crowds, self._scratch)
        moves = min(schedule.moves, MOST_TRIES * len(self._movable))
        block_moves = min(schedule.block_moves, MOST_TRIES * len(self._blocks.cells))
        chain_moves = min(schedule.chain_moves, MOST_TRIES * len(self._chains.first))
        for number in range(schedule.rounds):
            self._price_time(schedule, period, first=number == 0)
            self._price_crossing(schedule, crowds)
            left = schedule.rounds - number - 1
            temperature = schedule.temperature * left * left // schedule.rounds**2
            reach = max(2, schedule.reach * left // schedule.rounds)
            anneal_blocks(board, self._blocks, block_moves, temperature)
            anneal_chains(board, self._chains, chain_moves, temperature, reach)
            anneal_logic(board, self._neighbours(), moves, temperature, reach)
            self._netlist.x[:], self._netlist.y[:] = self._places.x, self._places.y
            progress("annealing", number + 1, schedule.rounds)
        self._write_back()

    def length(self) -> int:
        """Of all nets, in tiles of their half perimeters."""
        low_x, high_x, low_y, high_y = self._nets.box.astype(np.int64).T
        return int((high_x - low_x + high_y - low_y).sum())

    def _neighbours(self) -> np.ndarray:
        """The movable cells, in the order of their places."""
        x, y = self._places.x[self._movable], self._places.y[self._movable]
        return self._movable[np.lexsort((y, x // _SORT_TILES, y // _SORT_TILES))]

    def _price_time(self, schedule: Schedule, period: int, *, first: bool) -> None:
        """By the share of `period` that the longest path over a wire takes; prices follow slowly, too."""
        slack = self._graph.analyse(period, 0).slack
        share = np.clip((period - slack) * 256 // period, 0, 333)       # of 256, up to 1.3 times the period
        price = np.full(len(share), schedule.time_price)
        for _ in range(schedule.sharpness):
            price = price * share >> 8
        if not first:
            price = (self._wires.price * schedule.memory + price * (256 - schedule.memory)) >> 8
        self._wires.price[:] = np.where(self._graph.direct | (price < schedule.time_price >> 4), 0, price)

    def _price_crossing(self, schedule: Schedule, crowds: Crowds) -> None:
        """Tolls follow demand slowly, or else all would leave a crowded square at once, and come back."""
        room = schedule.wires_a_tile * anneal_tables.LENGTH_PRICE
        demand = anneal_tables.demand(self._nets, self._places, crowds.square)
        toll = schedule.toll * np.maximum(demand - room, 0) // room
        crowds.toll[:] = (crowds.toll * TOLL_MEMORY + toll * (256 - TOLL_MEMORY)) >> 8

    def _write_back(self) -> None:
        """What the timing does not ask for: numbers within tiles, and sites."""
        slots, sites = self._places.slot, anneal_tables.numbered(self._sites)
        in_slices = slots >= 0
        self._netlist.lut[in_slices] = slots[in_slices] % PLACES
        for cell, site in zip(self._blocks.cells.tolist(), self._blocks.site.tolist()):
            self._netlist.block_bel[cell] = sites[site].bel
