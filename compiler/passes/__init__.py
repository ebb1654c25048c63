"""Passes: pure functions Graph -> Graph that leave every number of the output as it was.

`run_passes` verifies the graph after each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from compiler.ir import Graph
from compiler.passes.fold_clamp import fold_clamp
from compiler.passes.fold_equal_rescale import fold_equal_rescale
from compiler.passes.fuse_concat import fuse_concat
from compiler.passes.remove_dead_nodes import remove_dead_nodes
from compiler.verify import verify

Pass = Callable[[Graph], Graph]

PIPELINE: tuple[Pass, ...] = (remove_dead_nodes, fold_equal_rescale, fold_clamp, fuse_concat)


def run_passes(graph: Graph, passes: Sequence[Pass] = PIPELINE) -> Graph:
    """`graph` after each of `passes` in turn, verified after each."""
    for run in passes:
        graph = verify(run(graph), after=run.__name__)
    return graph
