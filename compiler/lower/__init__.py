"""Lowering of the graph to engine layers: one file per kind of operation.

`lower` is the whole of it: where tensors are stored (`views`), each node's layers (`convolution`, `pooling`,
`pointwise`, `average`), columns and row classes (`columns`, `row_class`), maxima by blocks (`blocks`), and the proofs
that integers fit (`proofs`).
Problems are collected, so that one run names everything that is wrong with a model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from firelane.compiler.ir import graph as ir
from firelane.compiler.lower import average, convolution, pointwise, pooling
from firelane.compiler.lower.blocks import merge_blocks
from firelane.compiler.lower.columns import assign_columns
from firelane.compiler.lower.context import Lowering, unique
from firelane.compiler.lower.proofs import check_channels, check_numbers
from firelane.compiler.lower.row_class import assign_row_classes
from firelane.compiler.support.errors import FirelaneError, ModelError
from firelane.compiler.support.problems import raise_all
from firelane.compiler.tiles.layers import LoadLayer, OutputLayer, TiledNetwork, TileLayer
from firelane.hw.contract.config import EngineConfig

LOWER: dict[type[ir.Node], Callable[[Lowering, Any], None]] = {       # each takes nodes of its own type
    ir.Conv: convolution.lower_conv,
    ir.MaxPool: pooling.lower_max_pool,
    ir.AveragePool: pooling.lower_average_pool,
    ir.GlobalAverage: average.lower_global_average,
    ir.Add: pointwise.lower_add,
    ir.Rescale: pointwise.lower_rescale,
    ir.ChannelScale: pointwise.lower_channel_scale,
    ir.Concat: pointwise.lower_concat,
    ir.Maximum: pointwise.lower_maximum,
    ir.Select: pointwise.lower_select,
}


def lower(graph: ir.Graph, cfg: EngineConfig, unmet: list[FirelaneError] | None = None) -> TiledNetwork:
    """Engine layers of `graph`, in execution order.

    Parameters
    ----------
    unmet : list, optional
        Takes the errors about numbers that do not fit registers or instructions, which are raised without it.

    Raises
    ------
    ModelError
        If a node is something that no engine of this design does.
    CapacityError
        If it is too large for `cfg`. Either error lists the others in `further`.
    """
    context = Lowering(graph, cfg)
    _lower_input(context)
    for node in graph.nodes:
        try:
            LOWER[type(node)](context, node)
        except FirelaneError as problem:
            context.problems.append(problem)
            context.assume(node)
    _lower_output(context)
    raise_all(context.problems)
    too_large = context.problems if unmet is None else unmet
    for layer in context.layers:
        too_large += check_channels(layer)
        if isinstance(layer, TileLayer):
            too_large += check_numbers(layer, cfg)
    raise_all(context.problems)
    return merge_blocks(assign_row_classes(assign_columns(context.network(), cfg), cfg), cfg)


def _lower_input(context: Lowering) -> None:
    tensor = context.graph.tensors[context.graph.input]
    if convolution.loads_space_to_depth(context):
        view = context.add_map(tensor.name, 4 * tensor.channels, -(-tensor.height // 2), -(-tensor.width // 2))
        context.input_space_to_depth = True
    else:
        view = context.add_map(tensor.name, *tensor.shape)
    context.views[tensor.name] = view
    context.layers.append(LoadLayer("load", view, *tensor.shape,
                                    space_to_depth=context.input_space_to_depth, pad=tensor.zero_point))


def _lower_output(context: Lowering) -> None:
    name = context.graph.output
    if name == context.graph.input:
        context.problems.append(ModelError(context.graph.name, "its output is its input", hint="nothing to compute"))
    elif name not in context.streamed:
        taken = {layer.name for layer in context.layers}
        context.layers.append(OutputLayer(unique("output", taken), context.views[name]))
