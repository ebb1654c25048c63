"""compiler.compress.float_network: forwards it is the reference, backwards it is the slope of what it computes."""

import numpy as np
import pytest

from firelane.compiler.compress.float_network import FloatNetwork, Weights, integer_weights
from firelane.compiler.ir.graph import Conv
from firelane.sim import reference
from tests.networks import random_graph, random_image


def weights_of(graph):
    return {node.name: integer_weights(node) for node in graph.nodes if isinstance(node, Conv)}


@pytest.mark.parametrize("seed", range(12))
def test_forwards_it_is_the_reference(seed):
    """Up to float32: a sum that is nearly a tie may fall to either side."""
    graph = random_graph(np.random.default_rng(seed), size="tiny")
    image = random_image(np.random.default_rng(seed + 1000), graph)
    network, exact = FloatNetwork(graph), reference.run(graph, image)
    weights = weights_of(graph)
    for node in graph.nodes:
        found = network.output(node, [exact[name].astype(np.float32) for name in node.inputs], weights)
        wrong = np.abs(found - exact[node.output])
        assert wrong.max() <= 1 and (wrong > 0).mean() < 0.02, node.name


@pytest.mark.parametrize("seed", range(8))
def test_backwards_it_is_the_slope(seed):
    """Gradients of a smooth function, by differences, for some weights and biases of every convolution."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, size="tiny", without=("max_pool",))
    image, weights = random_image(rng, graph), weights_of(graph)
    network = FloatNetwork(graph, rounding=False)
    direction = rng.normal(size=graph.tensors[graph.output].shape).astype(np.float32)
    slopes = {}

    def take(node, seen, arrived):
        by_group = np.matmul(arrived.reshape(node.groups, -1, arrived.shape[1]), seen.transpose(0, 2, 1))
        slopes[node.name] = by_group.reshape(len(arrived), -1), arrived.sum(axis=1)

    def value(changed):
        return float((network.forward(image, changed)[graph.output].astype(np.float64) * direction).sum())
    network.backward(network.forward(image, weights), weights, direction, take)
    for name, (of_taps, of_bias) in slopes.items():
        taps, bias = weights[name].taps, weights[name].bias
        change = rng.normal(size=taps.shape).astype(np.float32) * np.abs(taps).max() * 1e-4
        shift = np.full_like(bias, 1e-3)
        both = [value(weights | {name: Weights(taps + sign * change, bias + sign * shift)}) for sign in (1, -1)]
        predicted = float((of_taps * change).sum() + (of_bias * shift).sum())
        scale = np.abs(of_taps * change).sum() + np.abs(of_bias * shift).sum() + 1e-3
        assert (both[0] - both[1]) / 2 == pytest.approx(predicted, abs=float(0.05 * scale)), name


def test_a_maximum_passes_its_gradient_to_one_place():
    from tests.compiler.build import GraphBuilder
    build = GraphBuilder(1, 6, 6)
    tensor = build.conv("image", 1)
    graph = build.graph(build.conv(build.pool(tensor), 1))
    network, weights = FloatNetwork(graph), weights_of(graph)
    maps, arrived = network.forward(np.full((1, 6, 6), 7, np.uint8), weights), {}
    network.backward(maps, weights, np.ones(graph.tensors[graph.output].shape),
                     lambda node, seen, gradient: arrived.setdefault(node.name, gradient))
    first, last = (arrived[node.name] for node in graph.nodes if isinstance(node, Conv))
    factor = weights[graph.nodes[-1].name].taps[0, 0]
    assert first.sum() == pytest.approx(last.sum() * factor, rel=1e-4)
