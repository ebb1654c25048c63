"""compiler.slicing: maps in chunks of channels, where the whole map would not fit."""

from dataclasses import replace

import numpy as np
import pytest

from compiler.compile import compile_graph
from compiler.ir import Requantize
from compiler.layers import TileLayer
from compiler.lower import lower
from compiler.schedule import order_steps
from compiler.slicing import can_chunk, chunked, slice_channels, slice_requantize
from compiler.steps import all_steps
from hw.config import EngineConfig
from tests.compiler.build import GraphBuilder, check_against_reference

CFG = EngineConfig(banks=4, weight_words=1 << 16, program_words=1 << 13)


def fire_and_pool(size: int = 27):
    """A wide map between a narrow one and its pooling."""
    build = GraphBuilder(3, size, size)
    tensor = build.pool(build.fire(build.conv("image", 4), 4, 128))
    return build.graph(build.average(build.conv(tensor, 10)))


@pytest.fixture(scope="module")
def network():
    return lower(fire_and_pool(), CFG)


def test_parameters_of_a_range():
    requantize = slice_requantize(Requantize([1, 2, 3], [1 << 15], [4, 5, 6], zero_point=7), 1, 2)
    assert (requantize.bias.tolist(), requantize.multiplier.tolist(), requantize.shift.tolist()) == (
        [2, 3], [1 << 15], [5, 6])
    assert requantize.zero_point == 7


def test_channels_of_a_layer(network):
    layer = next(layer for layer in network.layers if layer.name == "conv3")
    part = slice_channels(layer, 32, 64)
    assert part.name == "conv3[32:96]" and np.array_equal(part.weights, layer.weights[32:96])
    assert part.output.channel == layer.output.channel + 32 and part.inputs == layer.inputs


def test_chunks_cover_the_map(network):
    assert [name for name in network.maps if can_chunk(network, name)] == ["concat4"]
    parts = chunked(network, "concat4", 48)
    assert "concat4" not in parts.maps
    assert [(view.channel, view.channels) for view in parts.chunks.values()] == [
        (0, 48), (48, 48), (96, 32), (128, 48), (176, 48), (224, 32)]
    pools = [layer for layer in parts.layers if layer.name.startswith("pool5")]
    assert [(layer.output.channel, layer.chunk) for layer in pools] == [(0, 1), (48, 2), (96, 3), (128, 4), (176, 5),
                                                                        (224, 6)]
    assert parts.origin(pools[1].inputs[0]).channel == 48


def test_rows_at_the_edge_of_a_band_are_computed_again(network):
    parts = chunked(network, "concat4", 64)
    steps = all_steps(parts, CFG)
    order = order_steps(parts, steps)
    again = len(order) - len(steps)
    assert again > 0
    copies = {step.output for step in order if step.output and step.output.map in parts.chunks}
    assert len(copies) == len([step for step in order if step.output and step.output.map in parts.chunks])


def test_a_network_that_needs_chunks_is_compiled_so():
    graph = fire_and_pool()
    roomy = compile_graph(graph, CFG)
    assert not roomy.plan.network.chunks and roomy.plan.peak_words > 512
    tight = compile_graph(graph, replace(CFG, activation_words=448))
    assert tight.plan.network.chunks
    check_against_reference(tight)


def test_groups_and_second_readers_are_left_whole():
    build = GraphBuilder(8, 20, 20)
    tensor = build.conv("image", 32, groups=2)
    wide = build.conv("image", 32)
    graph = build.graph(build.concat(build.pool(tensor), build.pool(wide), build.pool(wide)))
    network = lower(graph, CFG)
    assert isinstance(network.layers[1], TileLayer)
    assert not any(can_chunk(network, name) for name in network.maps)
