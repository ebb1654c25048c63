"""What is said about a difference, and how cycles are attributed to layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from boards.cli import DEFAULT_MODEL
from compiler.compile import compile_model
from compiler.errors import ConfigError
from compiler.ir import Conv, Graph
from sim.bench import Outcome, TileTime, Verdict
from sim.images import choose_images
from sim.session import Session, _explain, dense_macs, engine_config, instruction_cycles
from tests.simulators import session


@pytest.fixture(scope="module")
def digits() -> Session:
    return Session(compile_model(DEFAULT_MODEL, engine_config(None)), None, None)


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
    wrong = session(replace(digits.compiled, graph=graph), tmp_path)
    text = _explain(wrong, choose_images(graph, (), 1).pixels[0], 7)
    assert text.startswith(f"frame 7: layer {convolution.name} ")
    assert ", channel 3, row 0, column 0: expected " in text


def test_dense_macs(digits):
    """conv1 of the digit network: 24 filters of 3 x 3 on one channel, 27 x 27 outputs."""
    macs = dense_macs(digits.graph)
    first = next(node for node in digits.graph.nodes if isinstance(node, Conv))
    assert macs[first.name] == first.weight.size * 27 * 27


def test_instruction_cycles_of_the_second_frame():
    tiles = [TileTime(8, 10, 15), TileTime(12, 20, 30), TileTime(8, 50, 56), TileTime(12, 60, 75)]
    outcome = Outcome(verdict=Verdict.COMPLETE, results=[], frames=[], tiles=tiles, csrs={}, cycles=80, run_cycles=75,
                      seconds=1.0)
    assert instruction_cycles(outcome, 2, 0) == [5, 15]
    assert instruction_cycles(outcome, 2, 1) == [6, 19]


def test_impossible_size():
    with pytest.raises(ConfigError, match="banks must be 1, 2, 4, 8 or 16, not 3"):
        engine_config(None, banks=3)
