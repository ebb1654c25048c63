"""Sites for the block RAMs and multipliers of a netlist, such that all wires together are short.

nextpnr's static placer moves blocks freely and then puts each on the free site nearest to it. When nearly every site is
taken, the last ones end anywhere, and the wires become twice as long. Here blocks are moved with all of the logic, too,
but towards an assignment to sites that is the best of all (Kim, Lee, Markov: SimPL, 2010):

1. A start that is spread out: the two slowest modes of the netlist, seen as a net of springs; or strips of lanes.
2. In turn: spread the logic, assign every block to a site; pull all cells there, more each time, and let the nets
   pull back.
3. With blocks on their sites: let the logic settle, move the blocks to the sites that are best now, all at once.

What logic is placed where is nextpnr's to say; here it only carries what blocks want of each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from firelane.boards.place.blocks.lane_strips import Strips
from firelane.boards.place.blocks.sites import BlockSites
from firelane.boards.place.blocks.spread import spread
from firelane.boards.place.blocks.wire_springs import matrix, settle, solve
from firelane.boards.place.netlist.netlist_graph import NetlistGraph
from firelane.compiler.support.progress import Progress, silent

DENSITY = 0.6           #: of the logic, where it is spread
PULL = 0.02             #: towards the spread positions, more by as much in every round
BLOCK_PULL = 0.5        #: of a block, for each of its nets
SPRING = 1e-3           #: to where cells are, before there is any other place to pull them to
FIXED, FREE = 1e5, 1e-5     #: pulls that hold a cell, or only make the equations regular
STRIP_PULL = 0.5        #: of a cell to its strip, in steps 1 and 2
MODE_ROUNDS, STRIP_ROUNDS = 8, 8
SETTLE_ROUNDS, LAST_SETTLE_ROUNDS = 6, 12


@dataclass(frozen=True)
class Effort:
    """Rounds of steps 2 and 3, and what is sought.

    Members
    -------
    spreading, improving : rounds of steps 2 and 3
    strip_price : of a tile between a block and the middle of its strip, in tiles of wire, in step 3
    spread : compare placements by their wires with the logic spread over the device, not as it settles: in heaps, whose
        wires get shorter while those of the placed logic get longer, if there are twice as many as usual
    """

    spreading: int = 40
    improving: int = 40
    strip_price: int = 100
    spread: bool = False


class NoSiteError(ValueError):
    """More blocks than sites."""


@dataclass(frozen=True, eq=False)
class BlockPlacement:
    """The index of each block's site among those of its type, by its cell of the graph; wire length in tiles.

    Of wires as `Effort.spread` says.
    """

    sites: dict[int, int]
    wire_length: float


def place_blocks(graph: NetlistGraph, device: BlockSites, *, start: int | Strips = 1, effort: Effort | None = None,
                 progress: Progress = silent) -> BlockPlacement:
    """The best placement that was met.

    Parameters
    ----------
    start : strips, or the seed of a start from the slowest modes

    Raises
    ------
    NoSiteError
        If there are more blocks of a type than sites.
    """
    return _Placer(graph, device, start, effort or Effort()).run(progress)


class _Placer:
    def __init__(self, graph: NetlistGraph, device: BlockSites, start: int | Strips, effort: Effort):
        self._graph, self._device, self._start, self._effort = graph, device, start, effort
        self._strips = self._held_in_strips(start) if isinstance(start, Strips) else None
        self._kinds = [(graph.of_type(kind), np.array([(site.x, site.y) for site in sites], float))
                       for kind, sites in device.sites.items()]
        for (cells, sites), kind in zip(self._kinds, device.sites):
            if len(cells) > len(sites):
                raise NoSiteError(f"{len(cells)} {kind}, and {len(sites)} sites for them")
        self._blocks = np.concatenate([cells for cells, _ in self._kinds])
        self._nets_of = self._block_nets()

    def run(self, progress: Progress) -> BlockPlacement:
        x, y = self._first_in_strips(self._start) if isinstance(self._start, Strips) else self._modes(self._start)
        x, y = self._approach(x, y, self._effort.spreading, progress)
        return self._improve(x, y, self._effort.improving, progress)

    def _block_nets(self) -> dict[int, np.ndarray]:
        order = np.argsort(self._graph.cell, kind="stable")
        bounds = np.searchsorted(self._graph.cell[order], np.arange(len(self._graph) + 1))
        return {int(cell): self._graph.net[order[bounds[cell]:bounds[cell + 1]]] for cell in self._blocks}

    def _held_in_strips(self, strips: Strips):
        """Where cells are pulled along x, and how much."""
        target, pull = np.full(len(self._graph), self._device.columns / 2), np.full(len(self._graph), FREE)
        target[strips.cells], pull[strips.cells] = strips.across * self._device.columns, STRIP_PULL
        return target, pull

    def _first_in_strips(self, strips: Strips):
        """Lanes in their strips and banks, and what else there is near to what it is tied to."""
        rows = np.full(len(self._graph), self._device.rows / 2)
        row_pull = np.full(len(self._graph), FREE)
        in_bank = ~np.isnan(strips.along)
        rows[strips.cells[in_bank]] = strips.along[in_bank] * self._device.rows
        row_pull[strips.cells[in_bank]] = STRIP_PULL
        columns, column_pull = self._held_in_strips(strips)
        x, y = columns, rows
        for _ in range(STRIP_ROUNDS):
            x, y = settle(self._graph, x, columns, column_pull), settle(self._graph, y, rows, row_pull)
        return x, y

    def _modes(self, seed: int):
        """Cells evenly along both axes, in the order of the two slowest modes."""
        graph, count = self._graph, len(self._graph)
        size = count + len(graph.degree)        # a net is a point to which its cells are tied
        ties, diagonal = matrix(size, graph.cell, count + graph.net, np.repeat(1.0 / (graph.degree - 1), graph.degree))
        mass = np.concatenate((np.ones(count), np.zeros(len(graph.degree))))
        modes = np.random.default_rng(seed).standard_normal((2, size))
        for _ in range(MODE_ROUNDS):
            for which in range(2):
                mode = _without(modes[which], np.ones(size), mass)
                if which:
                    mode = _without(mode, modes[0], mass)
                mode /= np.sqrt((mode * mode * mass).sum()) + 1e-300
                modes[which] = solve(ties, diagonal + 1e-7, mode * mass, mode, tolerance=1e-2, steps=150)
        positions = []
        for mode, extent in zip(modes, (self._device.columns, self._device.rows)):
            place = np.empty(count)
            place[np.argsort(mode[:count], kind="stable")] = np.arange(count) / count
            positions.append(place * extent)
        return positions

    def _approach(self, x, y, rounds: int, progress: Progress):
        """Step 2: positions in which blocks are on sites."""
        device = self._device
        if not self._strips:
            soft = np.full(len(self._graph), SPRING)
            x, y = (settle(self._graph, axis, axis, soft) for axis in (x, y))
        best, best_length = (x, y), np.inf
        for number in range(1, rounds + 1):
            progress("placing block RAMs and multipliers", number, rounds)
            x, y = np.clip(x, 0, device.columns), np.clip(y, 0, device.rows)
            wanted = self._spread(x, y)
            self._assign(wanted, self._distances(x, y))
            length = self._graph.wire_length(*wanted)
            if length < best_length:
                best, best_length = wanted, length
            x, y = (settle(self._graph, axis, *self._pulled(axis, target, PULL * number, strips))
                    for axis, target, strips in zip((x, y), wanted, (self._strips, None)))
        return best

    def _spread(self, x, y):
        device = self._device
        density = DENSITY * device.lut_count / (device.columns * device.rows)
        return spread(x, y, self._graph.area, self._graph.logic, columns=device.columns, rows=device.rows,
                      density=density)

    def _pulled(self, position, target, strength: float, strips):
        """Where cells are pulled, and how much: to where they have been spread, and to their strips."""
        pull = self._pulls(position, target, strength)
        if strips is None:
            return target, pull
        strip, strip_pull = strips
        return (pull * target + strip_pull * strip) / (pull + strip_pull), pull + strip_pull

    def _pulls(self, position, target, strength: float):
        pulls = strength / np.maximum(np.abs(position - target), 1.0)
        pulls[self._blocks] *= BLOCK_PULL * np.array([len(self._nets_of[int(cell)]) for cell in self._blocks])
        return pulls

    def _improve(self, x, y, rounds: int, progress: Progress) -> BlockPlacement:
        """Step 3."""
        best, best_sites, sites = np.inf, {}, self._assign((x, y), self._distances(x, y))
        for number in range(1, rounds + 1):
            progress("improving their places", number, rounds)
            x, y = self._settle_logic(x, y, LAST_SETTLE_ROUNDS if number == rounds else SETTLE_ROUNDS)
            length = self._graph.wire_length(*(self._spread(x, y) if self._effort.spread else (x, y)))
            if length < best:
                best, best_sites = length, sites
            sites = self._assign((x, y), self._wire_costs(x, y))
        return BlockPlacement(best_sites, best)

    def _settle_logic(self, x, y, rounds: int):
        pulls = np.full(len(self._graph), FREE)
        pulls[self._blocks] = FIXED
        for _ in range(rounds):
            x, y = (settle(self._graph, axis, axis, pulls, tolerance=1e-4, steps=400) for axis in (x, y))
        return x, y

    def _assign(self, positions, costs) -> dict[int, int]:
        """Move the blocks to the sites that together cost least; returns them."""
        chosen: dict[int, int] = {}
        for (cells, sites), cost in zip(self._kinds, costs):
            rows, picked = linear_sum_assignment(cost)
            for axis, position in enumerate(positions):
                position[cells[rows]] = sites[picked, axis]
            chosen |= dict(zip(cells[rows].tolist(), picked.tolist()))
        return chosen

    def _distances(self, x, y) -> list:
        """How far each block is from each site."""
        return [np.abs(x[cells][:, None] - sites[:, 0]) + np.abs(y[cells][:, None] - sites[:, 1])
                for cells, sites in self._kinds]

    def _wire_costs(self, x, y) -> list:
        """How much longer a block's nets become if it goes to each site, all other cells as they are; lanes in strips
        stay there, or else the memory of all columns would gather on one side, and all wires with it."""
        costs = [np.zeros((len(cells), len(sites))) for cells, sites in self._kinds]
        for axis, position in enumerate((x, y)):
            lowest, highest = self._bounds_without(position)
            for (cells, sites), cost in zip(self._kinds, costs):
                place = sites[:, axis, None]
                for row, cell in enumerate(cells.tolist()):
                    low, high = lowest(cell), highest(cell)
                    cost[row] += (np.maximum(place - high, 0) + np.maximum(low - place, 0)).sum(axis=1)
        if self._strips:
            strip, pull = self._strips
            for (cells, sites), cost in zip(self._kinds, costs):
                held = pull[cells] > FREE
                cost[held] += self._effort.strip_price * np.abs(sites[:, 0] - strip[cells[held], None])
        return costs

    def _bounds_without(self, position):
        """Functions of a block that give the bounds of its nets, without itself."""
        graph = self._graph
        order = np.lexsort((position[graph.cell], graph.net))
        pins, cells = position[graph.cell][order], graph.cell[order]
        first, last = graph.start, graph.start + graph.degree - 1

        def bound(outermost, next_to_it):
            def of(cell: int):
                nets = self._nets_of[cell]
                return np.where(cells[outermost[nets]] == cell, pins[next_to_it[nets]], pins[outermost[nets]])
            return of
        return bound(first, first + 1), bound(last, last - 1)


def _without(vector, other, mass):
    """The part of `vector` that is orthogonal to `other`."""
    return vector - other * ((vector * other * mass).sum() / ((other * other * mass).sum() + 1e-300))
