"""Global averages: channel sums in the drain of the last layer, then AVERAGE."""

from __future__ import annotations

from dataclasses import replace

from firelane.compiler.ir.graph import GlobalAverage
from firelane.compiler.lower.context import Lowering
from firelane.compiler.support.errors import CapacityError, ModelError
from firelane.compiler.tiles.larger_engine import larger_engine
from firelane.compiler.tiles.layers import AverageLayer, TileLayer, copy_layer
from firelane.compiler.tiles.slicing import slice_channels, slice_requantize
from firelane.hw.contract.instruction import Destination


def lower_global_average(context: Lowering, node: GlobalAverage) -> None:
    """Append an identity layer that sums, unless the producer of the input sums already."""
    if node.inputs[0] not in context.averages:
        tensor = context.graph.tensors[node.inputs[0]]
        layer = copy_layer(context.layer_name(node), context.views[tensor.name], None, tensor.height, tensor.width)
        emit_average(context, node, layer)


def emit_average(context: Lowering, node: GlobalAverage, layer: TileLayer, border: TileLayer | None = None) -> None:
    """Append `layer` with its drain adding into the channel sums, `border` adding to them, and the AVERAGE of the sums.

    More channels than the engine has sums take several rounds, each a part of the layers.
    """
    room, streamed = context.cfg.average_channels, _is_streamed(context, node)
    _check_bits(context, node, layer)
    _check_constants(node)
    parts = _parts(context, layer, room)
    borders = _parts(context, replace(border, continues=True), room) if border else []
    output = None if streamed else context.output_view(node.output)
    if streamed:
        context.streamed.add(node.output)
    channel = 0
    for number, part in enumerate(parts):
        summed = (part, *borders[number:number + 1])
        context.layers += summed
        requantize = slice_requantize(node.requantize, channel, part.channels_out)
        name = context.layer_name(node, "/average" if len(parts) == 1 else f"/average{number}")
        context.layers.append(AverageLayer(name, tuple(layer.name for layer in summed),
                                           output and output.part(channel, part.channels_out),
                                           part.channels_out, requantize, streamed and number == len(parts) - 1))
        channel += part.channels_out


def _is_streamed(context: Lowering, node: GlobalAverage) -> bool:
    """Whether the averages are the network's result and nothing else."""
    return (node.output == context.graph.output and not context.graph.consumers(node.output)
            and node.output not in context.concat_ranges)


def _parts(context: Lowering, layer: TileLayer, room: int) -> list[TileLayer]:
    """`layer` in parts of at most `room` output channels, all with Destination.AVERAGE."""
    summed = replace(layer, output=None, destination=Destination.AVERAGE)
    if layer.channels_out <= room:
        return [summed]
    if layer.groups > 1:
        view = context.add_map(layer.name, layer.channels_out, layer.out_height, layer.out_width)
        context.layers.append(replace(layer, output=view))
        copy = copy_layer(layer.name + "/sum", view, None, layer.out_height, layer.out_width)
        return _parts(context, copy, room)
    return [slice_channels(summed, start, min(room, layer.channels_out - start))
            for start in range(0, layer.channels_out, room)]


def _check_bits(context: Lowering, node: GlobalAverage, layer: TileLayer) -> None:
    """Check that a channel sum fits its memory."""
    tensor = context.graph.tensors[node.inputs[0]]
    pixels = tensor.height * tensor.width
    need, have = (pixels * layer.requantize.high).bit_length(), context.cfg.average_bits
    if need > have:
        engine = (larger_engine(context.cfg, average_bits=need)
                  or larger_engine(context.cfg, average_bits=need, accumulator_bits=need + 1))
        raise CapacityError(f"node '{node.name}'", f"sums of {pixels} pixels need {need} bits, the engine has {have}",
                            hint=" or ".join([*engine, "an AveragePool of 2 x 2 with stride 2 before it"]))


def _check_constants(node: GlobalAverage) -> None:
    """AVERAGE takes its bias, multiplier and shift from the descriptor: one set for all channels."""
    requantize = node.requantize
    if max(map(len, (requantize.bias, requantize.multiplier, requantize.shift))) > 1:
        raise ModelError(f"node '{node.name}'", "the average is requantized differently for each channel",
                         hint="give the average's output one scale for all channels")
