"""compiler.tiles.slicing: some output channels of a layer, with all that belongs to them."""

import numpy as np

from firelane.compiler.ir.graph import Requantize
from firelane.compiler.lower import lower
from firelane.compiler.tiles.slicing import slice_channels, slice_requantize
from firelane.hw.contract.config import EngineConfig
from tests.compiler.build import GraphBuilder


def test_parameters_of_a_range():
    requantize = slice_requantize(Requantize([1, 2, 3], [1 << 15], [4, 5, 6], zero_point=7), 1, 2)
    assert (requantize.bias.tolist(), requantize.multiplier.tolist(), requantize.shift.tolist()) == (
        [2, 3], [1 << 15], [5, 6])
    assert requantize.zero_point == 7


def test_channels_of_a_layer():
    build = GraphBuilder(3, 27, 27)
    network = lower(build.graph(build.pool(build.fire(build.conv("image", 4), 4, 128))), EngineConfig(banks=4))
    layer = next(layer for layer in network.layers if layer.name == "conv3")
    part = slice_channels(layer, 32, 64)
    assert part.name == "conv3[32:96]" and np.array_equal(part.weights, layer.weights[32:96])
    assert part.output.channel == layer.output.channel + 32 and part.inputs == layer.inputs
