"""compiler.compress.layerwise: what one layer does wrong, the next ones make good."""

import numpy as np
import pytest

from firelane.compiler.compress.float_network import FloatNetwork, Weights, integer_weights
from firelane.compiler.compress.layer_solver import Price, solve_layer
from firelane.compiler.compress.layerwise import Walk
from firelane.compiler.compress.workers import workers
from firelane.compiler.ir.graph import Conv
from tests.compiler.build import GraphBuilder


@pytest.fixture
def given():
    """(network, its weights, images, equal importances)."""
    build = GraphBuilder(3, 20, 20)
    tensor = build.fire(build.conv("image", 12, kernel=3), 6, 10)
    graph = build.graph(build.conv(tensor, 8, kernel=3, pad=1))
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (3, 20, 20), dtype=np.uint8) for _ in range(12)]
    weights = {node.name: integer_weights(node) for node in graph.nodes if isinstance(node, Conv)}
    return FloatNetwork(graph), weights, images, {name: np.ones(len(w.bias)) for name, w in weights.items()}


def divergence(network, ideal_weights, weights, images) -> float:
    ideal, output = FloatNetwork(network.graph, rounding=False), network.graph.output
    return float(np.mean([(network.forward(image, weights)[output] - ideal.forward(image, ideal_weights)[output]) ** 2
                          for image in images]))


def walk(given, solver):
    network, weights, images, importances = given
    with workers(2) as threads:
        return Walk(network, weights, images, threads).run(importances, solver)


def test_without_a_loss_nothing_changes(given):
    network, weights, images, _ = given
    chosen = walk(given, lambda node, problem: problem.target)
    first = network.convolutions[0].name
    assert np.allclose(chosen[first].taps, weights[first].taps, rtol=1e-3, atol=1e-3)
    assert divergence(network, weights, chosen, images) < 1.2 * divergence(network, weights, weights, images)


def test_biases_carry_the_mean_of_what_is_lost(given):
    """All weights of the first layer gone: its output is right on average still, where nothing is clipped."""
    network, weights, images, _ = given
    first = network.convolutions[0]
    chosen = walk(given, lambda node, problem: problem.target * (node.name != first.name))
    means = np.mean([image.mean(axis=(1, 2)) for image in images], axis=0)
    expected = weights[first.name].bias + weights[first.name].taps.reshape(-1, 3, 9).sum(axis=2) @ means
    assert np.allclose(chosen[first.name].bias, expected, rtol=0.1, atol=3)


def test_better_than_each_layer_for_itself(given):
    """On images that were not used."""
    network, weights, _, _ = given
    rng = np.random.default_rng(9)
    others = [rng.integers(0, 256, (3, 20, 20), dtype=np.uint8) for _ in range(6)]
    coarse = {name: np.abs(w.taps).max(axis=1) / 3 for name, w in weights.items()}
    plain = {name: Weights((np.rint(w.taps / coarse[name][:, None]) * coarse[name][:, None]).astype(np.float32), w.bias)
             for name, w in weights.items()}

    def solver(node, problem):
        steps = coarse[node.name]
        from firelane.compiler.compress.compensation import solve
        return solve(problem, steps, 0.0).weights
    assert divergence(network, weights, walk(given, solver), others) < 0.6 * divergence(network, weights, plain, others)


def test_solved_layers_stand_on_the_grid_of_short_records(given):
    from firelane.compiler.coding.parameter_form import nearest_scales
    found = []
    walk(given, lambda node, problem: found.append(solve_layer(problem, Price(0.01))) or found[-1].weights)
    for layer in found:
        multiplier, shift = nearest_scales(layer.steps)
        assert np.array_equal(multiplier, layer.multiplier) and np.array_equal(shift, layer.shift)
        assert layer.levels.dtype == np.int8 and layer.levels.any()


def test_the_number_of_threads_changes_nothing(given):
    network, weights, images, importances = given
    results = []
    for count in (1, 3):
        with workers(count) as threads:
            results.append(Walk(network, weights, images, threads).run(
                importances, lambda node, problem: solve_layer(problem, Price(0.01)).weights))
    for name in weights:
        assert np.array_equal(results[0][name].taps, results[1][name].taps)
        assert np.array_equal(results[0][name].bias, results[1][name].bias)
