"""What becomes of a Select beside each kind of node, and that it changes no number."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firelane.compiler.ir.graph import (
    Add,
    Concat,
    Conv,
    GlobalAverage,
    Graph,
    MaxPool,
    Node,
    Requantize,
    Select,
    Window,
)
from firelane.compiler.ir.verify import verify
from firelane.compiler.passes import run_passes
from firelane.compiler.passes.fold_select import fold_select
from tests.compiler.passes.test_passes import (
    ZERO_POINT,
    assert_pass_is_sound,
    graph_of,
    halved,
    names,
    requantize,
    same,
    scale,
    signature,
)
from tests.networks import random_graph, with_selects

SWAPPED = (1, 0)


def select(source: str, output: str, *channels: int) -> Select:
    return Select(output, (source,), output, np.array(channels or SWAPPED))


def conv(source: str, output: str, outputs: int = 2, inputs: int = 2, groups: int = 1, side: int = 1) -> Conv:
    weight = np.random.default_rng(len(output)).integers(-60, 60, (outputs, inputs // groups, side, side))
    window = Window((side, side), pads=(side // 2,) * 4)
    return Conv(output, (source,), output, weight, window, groups, requantize())


def pool(source: str, output: str) -> MaxPool:
    return MaxPool(output, (source,), output, Window((3, 3), pads=(1, 1, 1, 1)))


def added(a: str, b: str, output: str) -> Add:
    return Add(output, (a, b), output, (1,), (1,), Requantize([-2 * ZERO_POINT], [1 << 15], [15],
                                                             zero_point=ZERO_POINT))


def kinds(graph: Graph) -> list[str]:
    return [type(node).__name__ for node in graph.nodes]


def test_all_channels_in_order():
    result = assert_pass_is_sound(fold_select, graph_of(conv("x", "a"), select("a", "s", 0, 1), pool("s", "y")))
    assert kinds(result) == ["Conv", "MaxPool"]


def test_channels_of_channels():
    graph = graph_of(pool("x", "p"), select("p", "s", 2, 0, 1), select("s", "t", 1, 2, 0), added("t", "x", "y"), x=3,
                     p=3, s=3, t=3, y=3)
    assert kinds(assert_pass_is_sound(fold_select, graph)) == ["MaxPool", "Add"]


@pytest.mark.parametrize("reader", [conv("s", "y"), conv("s", "y", groups=2, side=3, outputs=4)])
def test_convolutions_read_all_channels(reader):
    graph = graph_of(pool("x", "p"), select("p", "s", 2, 0), reader, x=3, p=3, y=len(reader.weight))
    result = assert_pass_is_sound(fold_select, graph)
    assert kinds(result) == ["MaxPool", "Conv"] and result.nodes[1].groups == 1
    assert not result.nodes[1].weight[:, 1].any()


def test_a_depthwise_convolution_moves_before_it():
    graph = graph_of(pool("x", "p"), select("p", "s"), conv("s", "d", groups=2, side=3), conv("d", "y"))
    result = assert_pass_is_sound(fold_select, graph)
    assert kinds(result) == ["MaxPool", "Conv", "Conv"] and result.nodes[1].groups == 2


@pytest.mark.parametrize("reader", [pool("s", "r"), halved("s", "r"), same("s", "r", low=50), scale("s", "r", (1, -1))])
def test_what_works_on_each_channel_moves_before_it(reader):
    graph = graph_of(pool("x", "p"), select("p", "s"), reader, conv("r", "y"))
    assert "Select" not in kinds(assert_pass_is_sound(fold_select, graph))


def test_an_average_moves_before_it():
    average = GlobalAverage("g", ("s",), "g", Requantize([-20 * ZERO_POINT], [52429], [20], zero_point=ZERO_POINT))
    graph = graph_of(pool("x", "p"), select("p", "s"))
    tensors = {**graph.tensors, "g": replace(graph.tensors["s"], name="g", height=1, width=1)}
    result = assert_pass_is_sound(fold_select, replace(graph, nodes=(*graph.nodes, average), tensors=tensors,
                                                       output="g"))
    assert kinds(result) == ["MaxPool", "GlobalAverage", "Select"]


def test_the_convolution_before_it_makes_the_channels():
    graph = graph_of(pool("x", "p"), conv("p", "a", 4), select("a", "s", 3, 1), select("a", "t", 0, 2),
                     added("s", "t", "y"), a=4)
    result = assert_pass_is_sound(fold_select, graph)
    assert kinds(result) == ["MaxPool", "Conv", "Conv", "Add"]
    assert [len(node.weight) for node in result.nodes[1:3]] == [2, 2]


def test_a_convolution_of_the_image_stays_one():
    graph = graph_of(conv("x", "a", 4), select("a", "s", 3, 1), select("a", "t", 0, 2), added("s", "t", "y"), a=4)
    assert kinds(assert_pass_is_sound(fold_select, graph)) == ["Conv", "Select", "Select", "Add"]


def test_a_convolution_with_groups_before_it():
    result = assert_pass_is_sound(fold_select, graph_of(conv("x", "a", groups=2, side=3), select("a", "y")))
    assert names(result) == ["y"] and result.nodes[0].name == "a" and result.nodes[0].groups == 1


STAYING: dict[str, list[Node]] = {
    "addition": [pool("x", "p"), select("p", "s"), added("s", "x", "y")],
    "concatenation": [pool("x", "p"), select("p", "s"), Concat("y", ("s", "x"), "y")],
    "result": [pool("x", "p"), select("p", "y")],
    "two readers": [pool("x", "p"), select("p", "s"), conv("s", "a"), added("s", "a", "y")],
    "more channels": [conv("x", "a"), select("a", "y", 0, 1, 1)],
    "another reader": [conv("x", "a"), select("a", "s"), added("a", "s", "y")],
    "some": [pool("x", "p"), select("p", "s", 1, 1), pool("s", "y")],
}


@pytest.mark.parametrize("kind", STAYING)
def test_stays(kind):
    channels = {"concatenation": {"y": 4}, "more channels": {"y": 3}}.get(kind, {})
    graph = graph_of(*STAYING[kind], **channels)
    assert signature(assert_pass_is_sound(fold_select, graph)) == signature(graph)


def test_weights_that_would_be_added_to_more_than_int8():
    weight = np.full((2, 2, 1, 1), 100)
    reader = Conv("y", ("s",), "y", weight, Window(), 1, requantize())
    graph = graph_of(pool("x", "p"), select("p", "s", 1, 1), reader)
    assert kinds(assert_pass_is_sound(fold_select, graph)) == ["MaxPool", "Select", "Conv"]


def test_more_weights_than_are_kept(monkeypatch):
    monkeypatch.setattr(sys.modules[fold_select.__module__], "ALL_WEIGHTS_MAX", 7)
    graph = graph_of(pool("x", "p"), select("p", "s"), conv("s", "a", 4), conv("a", "b", 2, 4), select("b", "t"),
                     conv("t", "y", 4), a=4, y=4)
    assert kinds(verify(fold_select(graph))).count("Select") == 1


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(0, 2 ** 32 - 1))
def test_on_random_networks(seed):
    rng = np.random.default_rng(seed)
    graph = with_selects(rng, random_graph(rng, size="tiny"))
    assert_pass_is_sound(fold_select, graph)
    assert_pass_is_sound(run_passes, graph)
