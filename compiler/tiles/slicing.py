"""Parts of a layer: some of its output channels, with all that belongs to them."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from firelane.compiler.ir.graph import Requantize
from firelane.compiler.tiles.layers import TileLayer

PART = re.compile(r"(\[\d+:\d+\])+$")           # what `slice_channels` appends to the name of a layer


def whole_name(name: str) -> str:
    """The name of the layer that `name` is a part of.

    >>> whole_name("fire4/expand1x1[32:64]")
    'fire4/expand1x1'
    """
    return PART.sub("", name)


def slice_requantize(requantize: Requantize, start: int, channels: int) -> Requantize:
    """The parameters of a range of channels."""
    def part(array: np.ndarray) -> np.ndarray:
        return array if len(array) == 1 else array[start:start + channels]
    return replace(requantize, bias=part(requantize.bias), multiplier=part(requantize.multiplier),
                   shift=part(requantize.shift))


def slice_channels(layer: TileLayer, start: int, channels: int) -> TileLayer:
    """Output channels [start, start + channels) of a layer without groups."""
    part = replace(layer, name=f"{layer.name}[{start}:{start + channels}]", channels_out=channels,
                   requantize=slice_requantize(layer.requantize, start, channels),
                   output=layer.output and layer.output.part(start, channels))
    if layer.weights is None:
        return replace(part, inputs=tuple(view.part(start, channels) for view in layer.inputs))
    return replace(part, weights=layer.weights[start:start + channels])
