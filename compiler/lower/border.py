"""The border that padding puts around a 1x1 convolution, where only the average of its output is wanted.

An output pixel that sees nothing but padding is a constant of its channel, and in a global average only the number of
such pixels matters. So the convolution runs without its padding (conv10 of Caffe's SqueezeNet v1.0 pads 13 x 13 pixels
to 15 x 15, which would need rows twice as wide), and a layer with one tap of weight 0 a channel adds the border.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from firelane.compiler.ir.graph import Conv, GlobalAverage, Tensor
from firelane.compiler.lower.average import emit_average
from firelane.compiler.lower.context import Lowering
from firelane.compiler.lower.emit import Taps, first_layer
from firelane.compiler.tiles.kernel_table import Place
from firelane.compiler.tiles.layers import TileLayer, narrowest_row_class
from firelane.hw.contract.config import BANK_PIXELS, EngineConfig


def average_of_border(context: Lowering, node: Conv) -> GlobalAverage | None:
    """The global average to which the padding of `node` adds constant pixels, if that is all that the padding does."""
    window = node.window
    padded_point = any(window.pads) and (window.kernel, window.stride) == ((1, 1), (1, 1))
    return context.fused_average(node.output) if padded_point else None


def emit_without_border(context: Lowering, node: Conv, taps: Taps, average: GlobalAverage) -> None:
    """Append the convolution without its padding, its border, and the average of both."""
    source = context.graph.tensors[node.inputs[0]]
    inside = first_layer(context, node, replace(taps, places=(Place(0, 0),)), None, (source.height, source.width),
                         subsample=False)
    emit_average(context, average, inside, _border(context, node))


def _border(context: Lowering, node: Conv) -> TileLayer:
    """A layer with a lane for each pixel of the border, all above the map, where nothing is read and nothing need live.

    With a weight of 0 the accumulator stays empty; the bias makes up for the padding's share. If the zero point is 0
    the parameters are the convolution's own, and so is their place in the weight memory.
    """
    source, result = (context.graph.tensors[name] for name in (node.inputs[0], node.output))
    pixels = result.height * result.width - source.height * source.width
    columns = _columns(pixels, source, context.cfg)
    weight_sums = node.weight.reshape(len(node.weight), -1).sum(axis=1, dtype=np.int64)
    above = -(-pixels // columns // context.cfg.banks) * context.cfg.banks      # whole words of every row class
    return TileLayer(name=context.layer_name(node, "/border"), inputs=(context.views[source.name].part(0, 1),),
                     output=None, places=(Place(-above, 0),), channels_out=len(node.weight),
                     out_height=pixels // columns, out_width=columns, pad=source.zero_point,
                     requantize=replace(node.requantize, bias=node.requantize.bias + source.zero_point * weight_sums),
                     weights=np.zeros((len(node.weight), 1, 1), np.int8))


def _columns(pixels: int, source: Tensor, cfg: EngineConfig) -> int:
    """Columns of the fewest equal rows that hold `pixels`, in rows no wider than those of `source` must be."""
    room = BANK_PIXELS << (narrowest_row_class(source.width, cfg) or 0)
    return max(count for count in range(1, min(room, pixels) + 1) if pixels % count == 0)
