"""compiler.fit.thinned: how many weights are left, which, and that the arithmetic stays right."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.compiler.fit.thinned import check_density, coarse, thinned, thinned_weights
from firelane.compiler.ir.graph import Conv
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.support.errors import ConfigError
from firelane.models.catalogue import EMBEDDED


def convolutions(graph):
    return [node for node in graph.nodes if isinstance(node, Conv)]


def test_the_largest_stay():
    weight = np.array([[3, -128, 0], [-3, 5, 127]], np.int8)
    assert thinned_weights(weight, 0.5).tolist() == [[0, -128, 0], [0, 5, 127]]
    assert thinned_weights(weight, 4 / 6).tolist() == [[3, -128, 0], [0, 5, 127]]          # of equal ones the first
    assert thinned_weights(weight, 1).tolist() == weight.tolist()


def test_few_magnitudes():
    every = np.arange(-128, 128).astype(np.int8)
    found = coarse(every, 15)
    assert len(np.unique(found)) == 31 and np.array_equal(found == 0, every == 0)
    assert np.array_equal(np.sign(found), np.sign(every)) and found.min() == -127 and found.max() == 127
    assert np.abs(found[1:].astype(int) - every[1:])[np.abs(every[1:]) > 8].max() <= 127 / 30 + 1
    graph = thinned(load_graph(EMBEDDED["digits"]), 0.3, magnitudes=3)
    assert all(len(np.unique(node.weight)) <= 7 for node in convolutions(graph))


@pytest.mark.parametrize("density", [0.05, 0.3, 1.0])
def test_density_of_each_layer(density):
    graph = load_graph(EMBEDDED["digits"])
    for before, after in zip(convolutions(graph), convolutions(thinned(graph, density))):
        least = min(round(density * before.weight.size), np.count_nonzero(before.weight))
        assert np.count_nonzero(after.weight) == least


def test_biases_follow_the_zero_point():
    """A layer whose input is at its zero point everywhere says what its real bias is, whatever its weights."""
    graph = load_graph(EMBEDDED["digits"])
    tensors = {name: type(one)(**{**vars(one), "zero_point": 7}) for name, one in graph.tensors.items()}
    shifted = graph.with_nodes(graph.nodes, **tensors)
    for before, after in zip(convolutions(shifted), convolutions(thinned(shifted, 0.1))):
        at_zero = [7 * node.weight.astype(np.int64).sum(axis=(1, 2, 3)) + node.requantize.bias
                   for node in (before, after)]
        assert np.array_equal(*at_zero) and not np.array_equal(before.weight, after.weight)


@pytest.mark.parametrize("density", [0, -0.5, 1.01, float("nan")])
def test_refused(density):
    with pytest.raises(ConfigError, match=r"^density: .*above 0 and at most 1"):
        check_density(density)
