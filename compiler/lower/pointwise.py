"""Operations of one pixel: additions, maxima, rescaling, scaling and choice of channels, concatenations."""

from __future__ import annotations

import numpy as np

from firelane.compiler.ir.graph import IDENTITY, Add, ChannelScale, Concat, Maximum, Rescale, Select
from firelane.compiler.lower.context import Lowering
from firelane.compiler.lower.emit import Taps, emit_tiles
from firelane.compiler.lower.views import copied_inputs
from firelane.compiler.tiles.kernel_table import Place
from firelane.compiler.tiles.layers import copy_layer
from firelane.hw.contract.instruction import Operation


def lower_add(context: Lowering, node: Add) -> None:
    """Append a layer with a kernel of one place for each factor: operand a in slot 0, operand b in slot 1."""
    factors = [(0, weight) for weight in node.weights_a] + [(1, weight) for weight in node.weights_b]
    places = tuple(Place(0, 0, operand, weight) for operand, weight in factors)
    inputs = tuple(context.views[name] for name in node.inputs)
    emit_tiles(context, node, Taps(inputs, places, inputs[0].channels, node.requantize))


def lower_maximum(context: Lowering, node: Maximum) -> None:
    """Append a layer of maxima over two places: operand a in slot 0, operand b in slot 1."""
    inputs = tuple(context.views[name] for name in node.inputs)
    places = tuple(Place(0, 0, operand, 1) for operand in (0, 1))
    emit_tiles(context, node, Taps(inputs, places, inputs[0].channels, IDENTITY, operation=Operation.MAXIMUM))


def lower_select(context: Lowering, node: Select) -> None:
    """Append a convolution with one tap of weight 1 for each channel."""
    view = context.views[node.inputs[0]]
    weights = np.zeros((len(node.channels), view.channels, 1), np.int8)
    weights[np.arange(len(node.channels)), node.channels] = 1
    emit_tiles(context, node, Taps((view,), (Place(0, 0),), len(weights), IDENTITY, weights))


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
