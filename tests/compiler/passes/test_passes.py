"""Each pass: the shape of what it makes, that a second run changes nothing, and the same numbers."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firelane.compiler.ir.graph import (
    ChannelScale,
    Concat,
    Conv,
    GlobalAverage,
    Graph,
    MaxPool,
    Node,
    Requantize,
    Rescale,
    Tensor,
    Window,
)
from firelane.compiler.ir.verify import InvalidGraphError, verify
from firelane.compiler.passes import PIPELINE, run_passes
from firelane.compiler.passes.fold_clamp import fold_clamp
from firelane.compiler.passes.fold_equal_rescale import fold_equal_rescale
from firelane.compiler.passes.fuse_concat import fuse_concat
from firelane.compiler.passes.remove_dead_nodes import remove_dead_nodes
from firelane.compiler.passes.uniform_scale import uniform_scale
from firelane.sim.reference import run
from tests.networks import random_graph, random_image

ZERO_POINT = 9


def tensor(name: str, channels: int = 2, scale: float = 0.5) -> Tensor:
    return Tensor(name, channels, 4, 5, scale, ZERO_POINT)


def requantize(**clamp) -> Requantize:
    """From a small convolution's sums to pixels."""
    return Requantize([77], [40000], [22], zero_point=ZERO_POINT, **clamp)


def conv(source: str, output: str, **clamp) -> Conv:
    weight = np.random.default_rng(len(output)).integers(-90, 90, (2, 2, 1, 1))
    return Conv(output, (source,), output, weight, Window(), 1, requantize(**clamp))


def same(source: str, output: str, **clamp) -> Rescale:
    """A Rescale to the scale that the source has."""
    identity = Requantize([-ZERO_POINT], [1 << 15], [15], zero_point=ZERO_POINT, **clamp)
    return Rescale(output, (source,), output, identity)


def halved(source: str, output: str) -> Rescale:
    return Rescale(output, (source,), output, Requantize([-ZERO_POINT], [1 << 15], [16], zero_point=ZERO_POINT))


def graph_of(*nodes: Node, output: str | None = None, **channels: int) -> Graph:
    """All tensors alike, but for the number of channels."""
    tensors = {name: tensor(name, channels.get(name, 2)) for name in ["x", *(node.output for node in nodes)]}
    return verify(Graph("hand-made", nodes, tensors, "x", output or nodes[-1].output))


def names(graph: Graph) -> list[str]:
    return [node.output for node in graph.nodes]


def signature(graph: Graph) -> list:
    """All that can be compared of a graph."""
    return [(type(node), node.name, node.inputs, node.output) for node in graph.nodes] + sorted(graph.tensors)


def assert_pass_is_sound(run_pass, graph: Graph) -> Graph:
    """Verified, idempotent, and the same output; returns the rewritten graph."""
    result = verify(run_pass(graph), after=run_pass.__name__)
    again = run_pass(result)
    assert signature(again) == signature(result)
    for seed in range(3):
        image = random_image(np.random.default_rng(seed), graph)
        before, after = run(graph, image), run(result, image)
        assert np.array_equal(before[graph.output], after[result.output])
        for name in set(before) & set(after) - {graph.output}:
            assert graph.producer(name) is None or type(graph.producer(name)) is type(result.producer(name)) or \
                np.array_equal(before[name], after[name])
    return result


def test_dead_nodes_go():
    graph = graph_of(conv("x", "a"), conv("a", "dead"), conv("dead", "dead2"), conv("a", "y"), output="y")
    result = assert_pass_is_sound(remove_dead_nodes, graph)
    assert names(result) == ["a", "y"] and set(result.tensors) == {"x", "a", "y"}


def test_equal_rescale_goes_and_its_input_takes_its_name():
    graph = graph_of(conv("x", "a"), same("a", "b"), conv("b", "c"), MaxPool("p", ("a",), "p", Window()),
                     Concat("y", ("c", "p"), "y"), y=4)
    result = assert_pass_is_sound(fold_equal_rescale, graph)
    assert names(result) == ["b", "c", "p", "y"]
    assert result.producer("p").inputs == ("b",)


def test_equal_rescale_of_the_input_leaves_the_input_its_name():
    result = assert_pass_is_sound(fold_equal_rescale, graph_of(same("x", "a"), conv("a", "y")))
    assert names(result) == ["y"] and result.producer("y").inputs == ("x",)


def test_equal_rescale_at_the_output():
    result = assert_pass_is_sound(fold_equal_rescale, graph_of(conv("x", "a"), same("a", "y")))
    assert names(result) == ["y"] and isinstance(result.nodes[0], Conv)


def test_clamp_that_never_bites_goes():
    graph = graph_of(conv("x", "a", low=20, high=90), MaxPool("p", ("a",), "p", Window()), same("p", "y", low=10))
    assert names(assert_pass_is_sound(fold_equal_rescale, graph)) == ["a", "y"]


@pytest.mark.parametrize("node", [halved("a", "y"), same("a", "y", low=ZERO_POINT)])
def test_rescale_that_changes_something_stays(node):
    assert names(assert_pass_is_sound(fold_equal_rescale, graph_of(conv("x", "a"), node))) == ["a", "y"]


def test_the_last_node_stays():
    assert names(assert_pass_is_sound(fold_equal_rescale, graph_of(same("x", "y")))) == ["y"]


def test_clamp_joins_the_requantization_before_it():
    graph = graph_of(conv("x", "a", low=3, high=200), same("a", "r", low=ZERO_POINT, high=240), conv("r", "y"))
    result = assert_pass_is_sound(fold_clamp, graph)
    assert names(result) == ["r", "y"]
    assert (result.nodes[0].requantize.low, result.nodes[0].requantize.high) == (ZERO_POINT, 200)


@pytest.mark.parametrize("graph", [
    graph_of(conv("x", "a"), same("a", "r", low=50), Concat("y", ("a", "r"), "y"), y=4),
    graph_of(conv("x", "a"), halved("a", "y")),
    graph_of(same("x", "y", low=50)),
    graph_of(MaxPool("p", ("x",), "p", Window()), same("p", "y", low=50)),
], ids=["another reader", "another scale", "input", "pool"])
def test_clamp_that_cannot_join_stays(graph):
    assert signature(assert_pass_is_sound(fold_clamp, graph)) == signature(graph)


def scale(source: str, output: str, factors=(1, 1), **arrays) -> ChannelScale:
    """Both channels times 5/8; `arrays` are changes of the requantization."""
    values = {"bias": [-ZERO_POINT] * 2, "multiplier": [40960] * 2, "shift": [16] * 2, **arrays}
    return ChannelScale(output, (source,), output, factors, Requantize(**values, zero_point=ZERO_POINT))


def test_channels_scaled_alike_are_a_rescale():
    result = assert_pass_is_sound(uniform_scale, graph_of(conv("x", "a"), scale("a", "y")))
    assert isinstance(result.nodes[1], Rescale) and result.nodes[1].requantize.multiplier.tolist() == [40960]


@pytest.mark.parametrize("node", [scale("x", "y", (1, -1)), scale("x", "y", (2, 2)), scale("x", "y", bias=[1, 2]),
                                  scale("x", "y", multiplier=[40960, 40961]), scale("x", "y", shift=[16, 17])])
def test_channels_scaled_differently_stay(node):
    assert isinstance(assert_pass_is_sound(uniform_scale, graph_of(node)).nodes[0], ChannelScale)


def test_a_clamp_joins_the_scaling_before_it():
    result = assert_pass_is_sound(fold_clamp, graph_of(scale("x", "a", (1, -1)), same("a", "y", low=ZERO_POINT)))
    assert isinstance(result.nodes[0], ChannelScale) and result.nodes[0].requantize.low == ZERO_POINT


def test_concats_of_concats_become_one():
    graph = graph_of(conv("x", "a"), Concat("b", ("a", "x"), "b"), Concat("c", ("b", "a"), "c"),
                     Concat("y", ("c", "b"), "y"), b=4, c=6, y=10)
    result = assert_pass_is_sound(fuse_concat, graph)
    assert names(result) == ["a", "y"] and result.producer("y").inputs == ("a", "x", "a", "a", "x")


def test_concat_with_another_reader_stays():
    graph = graph_of(Concat("b", ("x", "x"), "b"), MaxPool("p", ("b",), "p", Window()), Concat("y", ("b", "p"), "y"),
                     b=4, p=4, y=8)
    assert signature(assert_pass_is_sound(fuse_concat, graph)) == signature(graph)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(0, 2 ** 32 - 1))
def test_every_pass_on_random_networks(seed):
    graph = random_graph(np.random.default_rng(seed), size="tiny")
    for run_pass in PIPELINE:
        graph = assert_pass_is_sound(run_pass, graph)


def test_run_passes_names_the_pass_that_broke_the_graph():
    def break_it(graph: Graph) -> Graph:
        return replace(graph, output="nowhere")

    with pytest.raises(InvalidGraphError, match="^after break_it: hand-made: output nowhere is never computed$"):
        run_passes(graph_of(conv("x", "y")), [break_it])


def test_global_average_takes_a_clamp():
    average = GlobalAverage("g", ("x",), "g", Requantize([-20 * ZERO_POINT], [52429], [20], zero_point=ZERO_POINT))
    tensors = {name: Tensor(name, 2, *size, 0.5, ZERO_POINT)
               for name, size in (("x", (4, 5)), ("g", (1, 1)), ("y", (1, 1)))}
    graph = verify(Graph("average", (average, same("g", "y", low=100)), tensors, "x", "y"))
    result = assert_pass_is_sound(fold_clamp, graph)
    assert names(result) == ["y"] and result.nodes[0].requantize.low == 100
