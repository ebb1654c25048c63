"""Make a placement faster: anneal it, then move the cells of paths that are late still to where the paths are shorter.

nextpnr's static placer minimises the length of all wires together, and hardly looks at time: in an engine of 8 banks
some hundred control paths of four LUTs are twice as long as all others. Annealing looks at both; in the end a few paths
are left, and there is room nearly everywhere. So: try the places near their cells' neighbours, keep what makes the
ends less late.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from firelane.boards.place.anneal.annealing import THOROUGH, Annealer, Cooling
from firelane.boards.place.blocks.sites import Sites
from firelane.boards.place.ecp5.annealing_tables import device_tables
from firelane.boards.place.ecp5.block_sites import occupied_sites
from firelane.boards.place.ecp5.ecp5_timing import ECP5_TIMING
from firelane.boards.place.ecp5.fixed_places import fix_places
from firelane.boards.place.ecp5.movable_units import Unit, movable_units, unit_numbers
from firelane.boards.place.ecp5.slice_rules import LogicTiles
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from firelane.boards.place.refine.unit_mover import UnitMover, moves_around
from firelane.boards.place.timing.sdf import read_delays
from firelane.boards.place.timing.timing_graph import Timing, TimingGraph
from firelane.boards.place.timing.wire_estimate import wire_units
from firelane.compiler.support.progress import Progress, silent

REACH = 4               #: tiles around each guess that are tried
TRIED_PLACES = 400      #: of a cell, the best first, until one is free
TRIED_EVICTIONS = 12    #: places where others stand, if nothing else helps
TRIED_MOVES = 3         #: possible ones, until one makes the ends less late
KEPT_SLACK = 200        #: picoseconds that a wire which is not late yet should keep
LENGTH_PRICE = 1 << 12  #: of a picosecond of any wire, where the share of a late end is its lateness squared
OVERDRAFT_PRICE = 4     #: of a picosecond that makes a wire late, in squares of the margin


@dataclass(frozen=True)
class PlacementFiles:
    """What is read, and what is written."""

    synthesised: Path       #: Yosys' JSON
    placed: Path            #: nextpnr's JSON, once it has placed that
    delays: Path            #: nextpnr's SDF of it
    refined: Path           #: `synthesised` with the places that were found, for nextpnr to keep


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a placement is to reach, and how hard that is tried."""

    period: int                     #: picoseconds
    margin: int                     #: slack that every end should have, picoseconds
    seed: int                       #: of the annealing
    cooling: Cooling = THOROUGH
    passes: int = 20                #: for late paths, at most; the last one moves nothing


@dataclass(frozen=True)
class Refined:
    """Clock by estimate and tiles of wire, before and after; moves for late paths."""

    before_hz: float
    after_hz: float
    length_before: int
    length_after: int
    moves: int


def refine_placement(files: PlacementFiles, target: Target, *, sites: Sites | None,
                     progress: Progress = silent) -> Refined:
    """Write `files.refined`, a better placement than nextpnr found; the same on every machine.

    Parameters
    ----------
    sites : where blocks may stand; if that is not known, where they do
    progress : of annealing, and of each pass over late paths
    """
    netlist = PlacedNetlist(files.placed)
    graph = TimingGraph(netlist, read_delays(files.delays), ECP5_TIMING)
    before_hz = _clock_hz(target.period, graph.end_slacks(target.period))
    lengths = _anneal(netlist, graph, target, occupied_sites(netlist) if sites is None else sites, progress)
    refiner = Refiner(netlist, graph, target.period, target.margin)
    moves = refiner.shorten_late_paths(target.passes, progress)
    fix_places(files.synthesised, netlist, refiner.units, files.refined)
    return Refined(before_hz, refiner.clock_hz(), *lengths, moves)


def _anneal(netlist: PlacedNetlist, graph: TimingGraph, target: Target, sites: Sites,
            progress: Progress) -> tuple[int, int]:
    """Anneal `netlist`, in place; returns tiles of wire before and after.

    Who stands in which tile is known here of the places before; `Refiner` looks anew.
    """
    tiles = LogicTiles(netlist)
    annealer = Annealer(netlist, graph, device_tables(netlist, tiles, movable_units(netlist, tiles), sites),
                        seed=target.seed)
    before = annealer.length()
    annealer.run(target.cooling, period=target.period - target.margin, progress=progress)
    return before, annealer.length()


def _clock_hz(period: int, end_slack: np.ndarray) -> float:
    """What the worst path allows."""
    return 1e12 / (period - int(end_slack.min()))


class Refiner:
    """Moves cells of late paths in `netlist`, whose timing `graph` knows; `period` and `margin` as in `Target`."""

    def __init__(self, netlist: PlacedNetlist, graph: TimingGraph, period: int, margin: int):
        self._netlist, self.graph, self._period, self._margin = netlist, graph, period, margin
        self.tiles = tiles = LogicTiles(netlist)
        self.units = movable_units(netlist, tiles)
        self._unit_of = unit_numbers(netlist, self.units)
        self._wires_of = self._unit_wires()
        _, net, readers = np.unique(graph.source_pin, return_inverse=True, return_counts=True)
        self._length_price = LENGTH_PRICE // readers[net]
        self._mover = UnitMover(netlist, tiles, self.units,
                                lambda unit: self._moves_of(unit)[0][:TRIED_PLACES].tolist())
        self._moves = 0
        self._analyse()

    def _unit_wires(self) -> list[np.ndarray]:
        """Wires of each unit that lead to other cells."""
        ends = self._unit_of[self.graph.driver], self._unit_of[self.graph.reader]
        outside = np.flatnonzero((ends[0] != ends[1]) & ~self.graph.direct)
        units, wires = np.concatenate([end[outside] for end in ends]), np.concatenate((outside, outside))
        order = np.argsort(units, kind="stable")
        bounds = np.searchsorted(units[order], np.arange(len(self.units) + 1))
        return [wires[order[first:last]] for first, last in pairwise(bounds)]

    def shorten_late_paths(self, passes: int, progress: Progress = silent) -> int:
        """Move cells of late paths until a pass moves nothing, or so many are over; returns the number of moves."""
        for number in range(passes):
            moves = self._moves
            self._pass(partial(progress, f"shortening late paths, pass {number + 1}"))
            if self._moves == moves:
                break
        return self._moves

    def clock_hz(self) -> float:
        """The clock that the worst path allows, by estimate."""
        return _clock_hz(self._period, self._timing.end_slack)

    def _analyse(self) -> None:
        self._timing: Timing = self.graph.analyse(self._period, self._margin)
        self._lateness = self._measure(self._timing.end_slack)

    def _measure(self, end_slack: np.ndarray) -> int:
        """A measure of lateness, which is to become less: of the cubes, so that the latest ends count most."""
        late = np.maximum(self._margin - end_slack, 0)
        return int((late * late * late).sum())

    def _pass(self, told: Callable[[int, int], None]) -> None:
        """Improve every unit at a late wire, the latest first."""
        late = np.flatnonzero(self._timing.slack < self._margin)
        late = late[np.argsort(self._timing.slack[late], kind="stable")]
        ends = np.stack((self._unit_of[self.graph.driver[late]], self._unit_of[self.graph.reader[late]]), axis=1)
        units = list(dict.fromkeys(ends[ends >= 0].tolist()))
        for done, number in enumerate(units):
            told(done, len(units))
            self._improve(self.units[number])

    def _improve(self, unit: Unit) -> None:
        """Move the unit to the best place that keeps its promise: one that is free, else one that can be made free."""
        moves, worth = self._moves_of(unit)
        better = moves[:int((worth > 0).sum())]
        if not self._try(unit, better[:TRIED_PLACES], evict=False):
            self._try(unit, better[:TRIED_EVICTIONS], evict=True)

    def _try(self, unit: Unit, moves: np.ndarray, *, evict: bool) -> bool:
        possible = 0
        for dx, dy in moves.tolist():
            undo = self._mover.move(unit, dx, dy, evict=evict)
            if not undo:
                continue
            if self._measure(self.graph.end_slacks(self._period)) < self._lateness:
                self._moves += 1
                self._analyse()
                return True
            self._mover.restore(undo)
            possible += 1
            if possible == TRIED_MOVES:
                break
        return False

    def _moves_of(self, unit: Unit) -> tuple[np.ndarray, np.ndarray]:
        """Moves, int64 (moves, 2), around where the unit is and where its wires pull it, and what each is worth.

        The best first. A wire's picosecond is worth what late ends have to do with it, and a little for its length; one
        that makes a wire late costs much more.
        """
        netlist, graph, timing = self._netlist, self.graph, self._timing
        number = self._unit_of[unit.cells[0]]
        wires = self._wires_of[number]
        if not len(wires):
            return np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.int64)
        drives = self._unit_of[graph.driver[wires]] == number
        own = np.where(drives, graph.driver[wires], graph.reader[wires])
        other = np.where(drives, graph.reader[wires], graph.driver[wires])
        away_x, away_y = netlist.x[other] - netlist.x[own], netlist.y[other] - netlist.y[own]
        price = timing.share[wires] + self._length_price[wires]
        moves = moves_around(REACH, _median(away_x, price), _median(away_y, price))
        delay = graph.unit * wire_units(graph.estimate, away_x - moves[:, :1], away_y - moves[:, 1:])
        longer = delay - timing.delay[wires]
        overdrawn = np.maximum(longer - np.maximum(timing.slack[wires] - self._margin - KEPT_SLACK, 0), 0)
        worth = -(longer * price + overdrawn * (OVERDRAFT_PRICE * self._margin**2)).sum(axis=1)
        best = np.argsort(-worth, kind="stable")
        return moves[best], worth[best]


def _median(values: np.ndarray, weights: np.ndarray) -> int:
    """Where half of the weight is on either side."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return int(values[order][np.searchsorted(total, total[-1] // 2)])
