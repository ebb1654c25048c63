"""What is said about a difference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firelane.compiler.compile import compile_model
from firelane.compiler.ir.graph import Conv, Graph
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import EMBEDDED
from firelane.sim.judge.images import choose_images
from firelane.sim.judge.trial import Trial, _explain
from tests.simulators import trial


@pytest.fixture(scope="module")
def digits() -> Trial:
    return Trial(compile_model(EMBEDDED["digits"], EngineConfig(trace=True)), None, None)


def with_other_bias(graph: Graph, name: str, channel: int) -> Graph:
    """The graph with a much larger bias in one channel of one convolution."""
    def changed(node):
        if node.name != name:
            return node
        bias = np.broadcast_to(node.requantize.bias, len(node.weight)).copy()
        bias[channel] += 1 << 16
        return replace(node, requantize=replace(node.requantize, bias=bias))
    return graph.with_nodes(changed(node) for node in graph.nodes)


def test_first_difference_is_named(digits, tmp_path):
    """A reference with another bias disagrees first in that layer and channel."""
    convolution = [node for node in digits.graph.nodes if isinstance(node, Conv)][4]
    graph = with_other_bias(digits.graph, convolution.name, 3)
    wrong = trial(replace(digits.compiled, graph=graph), tmp_path)
    text = _explain(wrong, choose_images(graph, (), 1).pixels[0], 7)
    assert text.startswith(f"frame 7: layer {convolution.name} ")
    assert ", channel 3, row 0, column 0: expected " in text
