"""Convolutions: taps from the kernel, and the image's space-to-depth form for a stride of 2."""

from __future__ import annotations

import numpy as np

from firelane.compiler.ir.graph import Conv
from firelane.compiler.lower.border import average_of_border, emit_without_border
from firelane.compiler.lower.columns import can_reach
from firelane.compiler.lower.context import Lowering
from firelane.compiler.lower.emit import Taps, emit_tiles
from firelane.compiler.tiles.kernel_table import Place, kernel_table
from firelane.compiler.tiles.layers import narrowest_row_class
from firelane.hw.contract.config import MAX_KERNEL_TAPS
from firelane.hw.contract.instruction import CHANNEL_BITS


def lower_conv(context: Lowering, node: Conv) -> None:
    """Append a STREAM layer; weights are (O, channels in of a group, places that have a weight at all)."""
    view, pad = context.views[node.inputs[0]], context.graph.tensors[node.inputs[0]].zero_point
    space_to_depth = node.inputs[0] == context.graph.input and context.input_space_to_depth
    places, weights = space_to_depth_kernel(node) if space_to_depth else kernel(node)
    taps = Taps((view,), places, len(weights), node.requantize, weights, node.groups, pad=pad)
    average = average_of_border(context, node)
    if average is not None:
        emit_without_border(context, node, taps, average)
    else:
        emit_tiles(context, node, taps, (1, 1) if space_to_depth else node.window.stride)


def kernel(node: Conv) -> tuple[tuple[Place, ...], np.ndarray]:
    """Places with a weight that is not zero, and int8 (O, I, places)."""
    channels_out, channels_in, height, width = node.weight.shape
    weights = node.weight.reshape(channels_out, channels_in, height * width)
    kept = np.flatnonzero(weights.any(axis=(0, 1)))
    kept = kept if len(kept) else np.array([0])
    top, left = node.window.pads[:2]
    places = tuple(Place(int(index) // width - top, int(index) % width - left) for index in kept)
    return places, np.ascontiguousarray(weights[:, :, kept])


def space_to_depth_kernel(node: Conv) -> tuple[tuple[Place, ...], np.ndarray]:
    """The kernel of a stride-2 convolution on 2x2 pixels as channels (2 * row phase + column phase) * C + c."""
    places, weights = kernel(node)
    channels_out, channels_in, _ = weights.shape
    halves = sorted({(place.dy >> 1, place.dx >> 1) for place in places})
    halved = np.zeros((channels_out, 4 * channels_in, len(halves)), np.int8)
    for number, place in enumerate(places):
        phase = 2 * (place.dy & 1) + (place.dx & 1)
        target = halves.index((place.dy >> 1, place.dx >> 1))
        halved[:, phase * channels_in:(phase + 1) * channels_in, target] = weights[:, :, number]
    return tuple(Place(dy, dx) for dy, dx in halves), halved


def loads_space_to_depth(context: Lowering) -> bool:
    """Whether the image is read by nothing but one convolution of stride 2 that the engine can do on 2x2 pixels."""
    graph, cfg = context.graph, context.cfg
    readers, image = graph.consumers(graph.input), graph.tensors[graph.input]
    if len(readers) != 1 or not isinstance(readers[0], Conv):
        return False
    node = readers[0]
    if node.window.stride != (2, 2) or node.groups != 1 or 4 * image.channels >= 1 << CHANNEL_BITS:
        return False
    output = graph.tensors[node.output]
    narrowest = narrowest_row_class(max(-(-image.width // 2), output.width), cfg)
    places, _ = space_to_depth_kernel(node)
    classes = range(narrowest or 0, cfg.classes)        # if rows are too wide in any case, the halved width is reported
    return (len(places) <= MAX_KERNEL_TAPS and can_reach(places, cfg)
            and any(kernel_table(places, cfg.banks >> k) is not None for k in classes))
