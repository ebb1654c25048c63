"""compiler.lower.border: padding around a 1x1 convolution that is only averaged."""

from dataclasses import replace

import numpy as np
import pytest

from firelane.compiler.compile import compile_graph
from firelane.compiler.ir.graph import Conv, GlobalAverage, Requantize, Tensor, Window
from firelane.compiler.lower import lower
from firelane.compiler.tiles.layers import AverageLayer, TileLayer
from firelane.hw.contract.config import EngineConfig
from tests.compiler.build import GraphBuilder, check_against_reference

CFG = EngineConfig(banks=4, weight_words=1 << 16)


def averaged(height=13, width=13, pads=(1, 1, 1, 1), zero_point=0, channels=10, groups=1):
    """image -> 1x1 convolution with padding -> average; sums of weights that are far from 0."""
    build = GraphBuilder(4, height, width, zero_point=zero_point)
    weight = build.rng.integers(-10, 30, (channels, 4 // groups, 1, 1))
    requantize = Requantize(build.rng.integers(-500, 500, channels) - zero_point * weight.sum(axis=(1, 2, 3)),
                            build.rng.integers(1 << 15, 1 << 16, channels), np.full(channels, 22), zero_point=3)
    top, left, bottom, right = pads
    name = build.tensor("conv", channels, height + top + bottom, width + left + right)
    build.tensors[name] = replace(build.tensors[name], zero_point=3)
    build.nodes.append(Conv("conv", ("image",), name, weight, Window((1, 1), (1, 1), pads), groups, requantize))
    build.tensors["average"] = Tensor("average", channels, 1, 1, 1.0, 0)
    build.nodes.append(GlobalAverage("average", (name,), "average", Requantize([0], [40000], [22])))
    return build.graph("average")


@pytest.mark.parametrize("zero_point", [0, 1, 128, 255])
@pytest.mark.parametrize("pads", [(1, 1, 1, 1), (0, 0, 1, 0), (2, 0, 0, 3), (0, 1, 0, 0), (7, 9, 8, 6)])
def test_same_numbers(pads, zero_point):
    check_against_reference(compile_graph(averaged(pads=pads, zero_point=zero_point), CFG))


@pytest.mark.parametrize("height, width", [(1, 1), (3, 40), (29, 7), (13, 14)])
def test_any_map(height, width):
    check_against_reference(compile_graph(averaged(height, width, zero_point=9), CFG))


def test_groups_and_several_rounds_of_sums():
    few_sums = replace(CFG, average_channels=3)
    for groups in (1, 2):
        compiled = compile_graph(averaged(zero_point=5, groups=groups), few_sums)
        averages = [layer for layer in compiled.plan.network.layers if isinstance(layer, AverageLayer)]
        assert [layer.channels for layer in averages] == [3, 3, 3, 1]
        check_against_reference(compiled)


def test_13_columns_stay_in_one_bank():
    network = lower(averaged(), CFG)
    inside, border = [layer for layer in network.layers if isinstance(layer, TileLayer)]
    assert (inside.out_height, inside.out_width, inside.places[0].dy) == (13, 13, 0)
    assert (border.out_height, border.out_width) == (4, 14)
    assert network.maps["image"].parts_log2 == 0


def test_nothing_need_live_for_the_border():
    compiled = compile_graph(averaged(), CFG)
    layers = compiled.plan.network.layers
    steps = [step for step in compiled.plan.steps if getattr(layers[step.layer], "continues", False)]
    assert len(steps) == 1 and not steps[0].blocks_read


def test_parameters_are_stored_once():
    """The border adds a code of one bit a channel to the weight memory, and no parameters."""
    channels = 72
    plain = compile_graph(averaged(pads=(0, 0, 0, 0), channels=channels), CFG).program
    padded = compile_graph(averaged(channels=channels), CFG).program
    assert len(padded.contents.weights) - len(plain.contents.weights) == -(-(channels + 1) // 36)


def test_without_an_average_the_padding_is_computed():
    build = GraphBuilder(4, 13, 13)
    name = build.conv("image", 5, kernel=1, pad=1)
    network = lower(build.graph(name), CFG)
    assert [layer.out_width for layer in network.layers if isinstance(layer, TileLayer)] == [15]
    check_against_reference(compile_graph(build.graph(name), CFG))
