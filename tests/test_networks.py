"""The generator keeps its promises: reproducible, legal, varied, not saturated."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings

from firelane.compiler.ir.graph import Conv, MaxPool
from firelane.sim.reference import run
from tests.networks import SIZES, graphs, random_graph, random_image

COUNT = 30


def networks(**options):
    for seed in range(COUNT):
        rng = np.random.default_rng(seed)
        graph = random_graph(rng, **options)
        yield graph, random_image(rng, graph)


def test_the_same_seed_gives_the_same_network():
    one, two = (random_graph(np.random.default_rng(3)) for _ in range(2))
    assert one.tensors == two.tensors
    assert all(np.array_equal(a.weight, b.weight) for a, b in zip(one.nodes, two.nodes) if isinstance(a, Conv))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("max_columns", [14, 28])
def test_limits(size, max_columns):
    for graph, _ in networks(size=size, max_columns=max_columns):
        for name, tensor in graph.tensors.items():
            assert tensor.width < (2 * max_columns if name == graph.input else max_columns)
            assert tensor.height <= SIZES[size].rows


def test_variety():
    kinds, kernels, densities = Counter(), set(), []
    for graph, _ in networks():
        kinds.update(type(node).__name__ for node in graph.nodes)
        for node in graph.nodes:
            if isinstance(node, Conv):
                kernels.add((node.window.kernel, node.window.stride))
                densities.append(np.mean(node.weight != 0))
    assert kinds.keys() == {"Conv", "MaxPool", "AveragePool", "GlobalAverage", "Add", "Concat", "Rescale",
                            "ChannelScale"}
    assert {((1, 1), (1, 1)), ((3, 3), (1, 1)), ((7, 7), (2, 2)), ((1, 3), (1, 1)), ((2, 2), (1, 1))} <= kernels
    assert min(densities) == 0 and max(densities) > 0.95


def test_outputs_are_not_saturated():
    at_an_end = []
    for graph, image in networks():
        tensors = run(graph, image)
        at_an_end += [np.mean((tensors[node.output] == node.requantize.low)
                              | (tensors[node.output] == node.requantize.high))
                      for node in graph.nodes if isinstance(node, Conv)]
    assert np.median(at_an_end) < 0.3


def test_features_can_be_left_out():
    without = ["add", "rescale", "average_pool", "global_average", "depthwise", "groups", "stride2", "zero_point",
               "clamp", "ceil", "max_pool", "fire", "channel_scale"]
    for graph, _ in networks(without=without):
        assert all(isinstance(node, Conv) and node.groups == 1 for node in graph.nodes)
        assert all(node.window.stride == (1, 1) for node in graph.nodes if graph.input not in node.inputs)
        assert not any(tensor.zero_point for tensor in graph.tensors.values())
    with pytest.raises(ValueError, match=r"^unknown features \['pools'\], there are conv, "):
        random_graph(np.random.default_rng(0), without=["pools"])


@settings(derandomize=True, deadline=None, max_examples=10)
@given(graphs(size="tiny", without=["max_pool"]))
def test_strategy(graph):
    assert not any(isinstance(node, MaxPool) for node in graph.nodes)
