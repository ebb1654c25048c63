"""Passes: pure functions Graph -> Graph that leave every number of the output as it was.

`run_passes` verifies the graph after each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from firelane.compiler.ir.graph import Graph
from firelane.compiler.ir.verify import verify
from firelane.compiler.passes.fold_clamp import fold_clamp
from firelane.compiler.passes.fold_equal_rescale import fold_equal_rescale
from firelane.compiler.passes.fuse_concat import fuse_concat
from firelane.compiler.passes.remove_dead_nodes import remove_dead_nodes
from firelane.compiler.passes.uniform_scale import uniform_scale

Pass = Callable[[Graph], Graph]

PIPELINE: tuple[Pass, ...] = (remove_dead_nodes, uniform_scale, fold_equal_rescale, fold_clamp, fuse_concat)


def run_passes(graph: Graph, passes: Sequence[Pass] = PIPELINE) -> Graph:
    """`graph` after each of `passes` in turn, verified after each."""
    for run in passes:
        graph = verify(run(graph), after=run.__name__)
    return graph
