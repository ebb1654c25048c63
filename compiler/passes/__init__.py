"""Passes over the quantized graph, and how to write one.

A pass is a function from `Graph` to `Graph`. Its contract:

* **The numbers stay.** For every image the new graph computes exactly the integers of the old one in its output
  tensor (`sim.reference` is what "computes" means). A pass that would round differently belongs in quantization, not
  here.
* **It is pure.** Graphs, nodes and tensors are frozen and shared: a pass changes nothing that it was given, keeps no
  state, and gives the same graph for the same graph. Changed nodes come from `dataclasses.replace`; the arrays of a
  node are read-only. Where nothing applies, the result equals what was given.
* **It does all that it can.** One call is enough: a second call would find nothing more to do. A rewrite that makes
  room for another one of the same kind loops inside the pass, on the new graph.
* **Names are for people.** The graph's input and output keep their tensor names, since files and messages refer to
  them. A node that takes over another's work keeps its own name, that of a node of the user's model.

How one is written:

1. State the rewrite as a sentence with a condition ("a Rescale that changes nothing disappears"); this is the first
   line of a new file in this folder, named after the pass.
2. Write the condition as a function of the graph and one node, `_changes_nothing(graph, node) -> bool`. It must hold
   for every image, so it argues from shapes, scales and clamps. `Graph.producer` and `Graph.consumers` look around a
   node; think of tensors with several readers and of the graph's output, which has a reader outside.
3. Write the rewrite with the helpers of `rewiring` (`with_reads`, `clamped`, `value_range`). Tensors that nothing makes
   any more leave the graph together with their node.
4. Put the pass into `PIPELINE`, after those that make room for it.
5. Test it in tests/compiler/passes: where it applies, the graph is the expected one and random images give the same
   output; where the condition fails by one detail, the graph comes back as it was.

`run_passes` calls `compiler.ir.verify.verify` after each pass, which checks order, names, shapes, ranges of all
integers and the lengths of arrays, and names the pass after which a rule is broken. So a pass neither checks the
graph that it gets, nor repeats these checks on the one that it makes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from firelane.compiler.ir.graph import Graph
from firelane.compiler.ir.verify import verify
from firelane.compiler.passes.fold_clamp import fold_clamp
from firelane.compiler.passes.fold_equal_rescale import fold_equal_rescale
from firelane.compiler.passes.fold_select import fold_select
from firelane.compiler.passes.fuse_concat import fuse_concat
from firelane.compiler.passes.remove_dead_nodes import remove_dead_nodes
from firelane.compiler.passes.uniform_scale import uniform_scale

Pass = Callable[[Graph], Graph]

PIPELINE: tuple[Pass, ...] = (remove_dead_nodes, uniform_scale, fold_equal_rescale, fold_clamp, fold_select, fold_clamp,
                              fuse_concat)
#: the same, but every convolution keeps the weights and the name that the model gave it
WEIGHTS_AS_GIVEN: tuple[Pass, ...] = tuple(run for run in PIPELINE if run is not fold_select)


def run_passes(graph: Graph, passes: Sequence[Pass] = PIPELINE) -> Graph:
    """`graph` after each of `passes` in turn, verified after each."""
    for run in passes:
        graph = verify(run(graph), after=run.__name__)
    return graph
