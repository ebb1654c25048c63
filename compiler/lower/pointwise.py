"""Operations of one pixel: additions, rescaling, scaling of channels, concatenations."""

from __future__ import annotations

from firelane.compiler.ir.graph import Add, ChannelScale, Concat, Rescale
from firelane.compiler.lower.context import Lowering
from firelane.compiler.lower.emit import Taps, emit_tiles
from firelane.compiler.lower.views import copied_inputs
from firelane.compiler.tiles.kernel_table import Place
from firelane.compiler.tiles.layers import copy_layer


def lower_add(context: Lowering, node: Add) -> None:
    """Append a layer with a kernel of one place for each factor: operand a in slot 0, operand b in slot 1."""
    factors = [(0, weight) for weight in node.weights_a] + [(1, weight) for weight in node.weights_b]
    places = tuple(Place(0, 0, operand, weight) for operand, weight in factors)
    inputs = tuple(context.views[name] for name in node.inputs)
    emit_tiles(context, node, Taps(inputs, places, inputs[0].channels, node.requantize))


def lower_rescale(context: Lowering, node: Rescale) -> None:
    """Append a layer with a kernel of one place of weight 1."""
    view = context.views[node.inputs[0]]
    emit_tiles(context, node, Taps((view,), (Place(0, 0, weight=1),), view.channels, node.requantize))


def lower_channel_scale(context: Lowering, node: ChannelScale) -> None:
    """Append a convolution with a group of one tap for each channel, so that each has its own requantization."""
    view = context.views[node.inputs[0]]
    weights = node.factors.reshape(-1, 1, 1)
    emit_tiles(context, node, Taps((view,), (Place(0, 0),), len(weights), node.requantize, weights, len(weights)))


def lower_concat(context: Lowering, node: Concat) -> None:
    """Append a copy of each input that was not written in place."""
    output = context.output_view(node.output)
    for name, channel in copied_inputs(context.graph, node):
        tensor, source = context.graph.tensors[name], context.views[name]
        target = output.part(channel, tensor.channels)
        context.layers.append(copy_layer(context.layer_name(node, "/copy"), source, target, tensor.height,
                                         tensor.width))
