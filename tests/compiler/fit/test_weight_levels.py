"""compiler.fit.weight_levels: what is at the end of its range, and what of that says anything."""

import numpy as np

from firelane.compiler.compile import compile_graph
from firelane.compiler.fit.weight_levels import LEVELS, LOWEST, WeightLevels, weight_levels
from firelane.compiler.onnx_import import load_graph
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import EMBEDDED


def levels(values: list[int], channels: int) -> WeightLevels:
    return WeightLevels("l", np.bincount(np.array(values) - LOWEST, minlength=LEVELS), channels)


def test_the_largest_of_each_channel_is_no_sign_of_clipping():
    """Two channels of three weights: a third are at the end; with another one a sixth are without reason."""
    usual, more = levels([127, 3, 5, 0, -127, 4, 1], 2), levels([127, 127, 5, 0, -127, 4, 1], 2)
    assert (usual.clipped, usual.excess) == (2 / 6, 0) and (more.clipped, more.excess) == (3 / 6, 1 / 6)


def test_of_a_network():
    graph = load_graph(EMBEDDED["digits"])
    found = weight_levels(compile_graph(graph, EngineConfig()).plan.network)
    weights = {node.name: node.weight for node in graph.nodes if hasattr(node, "weight")}
    assert sum(layer.nonzero for layer in found) == sum(np.count_nonzero(weight) for weight in weights.values())
    last = next(layer for layer in found if layer.layer == "conv10")
    assert last.channels == 10 and last.nonzero == np.count_nonzero(weights["conv10"])
