"""Fix the sites of block RAMs and multipliers in a netlist, where the device is large enough for it to matter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from firelane.boards.flow import tools
from firelane.boards.place.blocks.block_placement import BlockPlacement, Effort, NoSiteError, place_blocks
from firelane.boards.place.blocks.lane_strips import Strips, lane_strips
from firelane.boards.place.blocks.sites import BlockSites
from firelane.boards.place.ecp5.fixed_places import fix_place
from firelane.boards.place.ecp5.logic_types import ECP5_LOGIC
from firelane.boards.place.netlist.netlist_graph import NetlistGraph, netlist_graph
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.progress import Progress, silent

LOOK_SECONDS = 0.5      #: between two looks at how far the seeds are
_rounds: list[Any] = []
SEEDS = (1, 2, 3, 4)    #: of starts beside the lanes in strips; the start decides much, a quarter of the wires


@dataclass(frozen=True)
class Search:
    """What sites are searched from, beside the lanes in strips, and how each search goes."""

    seeds: Sequence[int] = SEEDS
    effort: Effort = field(default_factory=Effort)


FROM_ALL = Search()


def fix_blocks(netlist: Path, device: BlockSites, *, search: Search = FROM_ALL, progress: Progress = silent) -> float:
    """Give every block RAM and multiplier in Yosys' JSON the attribute by which nextpnr places it.

    The start with the shortest wires is taken, of lanes in strips and of `search.seeds`. Each takes some 45 s for
    50 000 cells, and as many run at a time as there are cores. The same netlist gets the same places.

    Returns
    -------
    float
        The wire length that is at least to be expected, in tiles.

    Raises
    ------
    ConfigError
        If there are more blocks than sites.
    """
    document = json.loads(netlist.read_text())
    module = document["modules"]["top"]
    graph = netlist_graph(module, ECP5_LOGIC)
    try:
        placed = _best(graph, device, search, progress)
    except NoSiteError as error:
        raise ConfigError("the engine", f"does not fit the device: {error}",
                          hint="give it fewer banks or weight words") from error
    for block, site in placed.sites.items():
        cell = module["cells"][graph.names[block]]
        fix_place(cell, device.sites[cell["type"]][site].bel)
    netlist.write_text(json.dumps(document))
    return placed.wire_length


def _best(graph: NetlistGraph, device: BlockSites, search: Search, progress: Progress) -> BlockPlacement:
    """The shortest; of equals the first."""
    rounds = get_context().Value("i", 0)
    strips = lane_strips(graph.names)
    starts: list[int | Strips] = [*([strips, strips.reversed()] if strips else []), *search.seeds]
    total = len(starts) * (search.effort.spreading + search.effort.improving)
    with ProcessPoolExecutor(min(len(starts), tools.usable_cores()), get_context(), _count_in, (rounds,)) as pool:
        running = [pool.submit(_place, graph, device, start, search.effort) for start in starts]
        while wait(running, LOOK_SECONDS).not_done:
            progress("sites of block RAMs and multipliers", rounds.value, total)
        placed = [one.result() for one in running]
    return min(placed, key=lambda one: one.wire_length)


def _count_in(counter: Any) -> None:
    """Where a process of the pool counts the rounds that it begins."""
    _rounds.append(counter)


def _place(graph: NetlistGraph, device: BlockSites, start: int | Strips, effort: Effort) -> BlockPlacement:
    def count(stage: str, done: float, total: float | None) -> None:
        with _rounds[0].get_lock():
            _rounds[0].value += 1
    return place_blocks(graph, device, start=start, effort=effort, progress=count)
