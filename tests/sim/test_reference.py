"""The reference against the definitions of `compiler.ir.graph`, written as plain loops over Python integers."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firelane.compiler.ir.graph import (
    IDENTITY,
    Add,
    AveragePool,
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
from firelane.compiler.support.errors import FirelaneError
from firelane.sim import reference
from tests.networks import random_graph, random_image

SEEDS = st.integers(0, 2 ** 32 - 1)


def requantize_slowly(requantize: Requantize, acc: int, channel: int) -> int:
    bias, multiplier, shift = (int(array[channel % array.size]) for array in
                               (requantize.bias, requantize.multiplier, requantize.shift))
    scaled = ((acc + bias) * multiplier + 2 ** (shift - 1)) // 2 ** shift
    return min(max(scaled + requantize.zero_point, requantize.low), requantize.high)


def at(values: np.ndarray, channel: int, y: int, x: int, outside):
    inside = 0 <= y < values.shape[1] and 0 <= x < values.shape[2]
    return int(values[channel, y, x]) if inside else outside


def places(node: Node, y: int, x: int):
    (kernel_y, kernel_x), (stride_y, stride_x), (top, left, _, _) = (node.window.kernel, node.window.stride,
                                                                     node.window.pads)
    for i in range(kernel_y):
        for j in range(kernel_x):
            yield i, j, y * stride_y + i - top, x * stride_x + j - left


def slow_pixel(node: Node, inputs: list[np.ndarray], zero_point: int, c: int, y: int, x: int) -> int:
    """One output pixel, straight from the docstrings of `compiler.ir.graph`."""
    values = inputs[0]
    match node:
        case Conv():
            per_group, group = node.weight.shape[1], c // (len(node.weight) // node.groups)
            acc = sum(int(node.weight[c, k, i, j]) * at(values, group * per_group + k, row, column, zero_point)
                      for i, j, row, column in places(node, y, x) for k in range(per_group))
        case MaxPool():
            seen = (at(values, c, row, column, None) for _, _, row, column in places(node, y, x))
            return max(value for value in seen if value is not None)
        case AveragePool():
            acc = sum(at(values, c, row, column, zero_point) for _, _, row, column in places(node, y, x))
        case GlobalAverage():
            acc = int(values[c].sum(dtype=np.int64))
        case Add():
            acc = sum(node.weights_a) * int(values[c, y, x]) + sum(node.weights_b) * int(inputs[1][c, y, x])
        case Concat():
            return int(np.concatenate(inputs)[c, y, x])
        case Rescale():
            acc = int(values[c, y, x])
        case ChannelScale():
            acc = int(node.factors[c]) * int(values[c, y, x])
    return requantize_slowly(node.requantize, acc, c)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(SEEDS)
def test_every_node_is_its_definition(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, size="small" if seed % 2 else "tiny")
    tensors = reference.run(graph, random_image(rng, graph))
    assert list(tensors) == [graph.input, *(node.output for node in graph.nodes)]
    for node in graph.nodes:
        result = tensors[node.output]
        assert result.shape == graph.tensors[node.output].shape and result.dtype == np.uint8
        inputs, zero_point = [tensors[name] for name in node.inputs], graph.tensors[node.inputs[0]].zero_point
        for _ in range(12):                              # corners often, for the padding
            c, y, x = (int(rng.choice([0, size - 1, rng.integers(size)])) for size in result.shape)
            assert result[c, y, x] == slow_pixel(node, inputs, zero_point, c, y, x), (node, c, y, x)


@settings(derandomize=True, deadline=None, max_examples=20)
@given(SEEDS)
def test_batch_equals_single_images(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, size="tiny")
    images = np.stack([random_image(rng, graph) for _ in range(reference.IMAGES_AT_ONCE + 1)])
    together = reference.run_batch(graph, images)
    for image, result in zip(images, together):
        assert np.array_equal(reference.run(graph, image)[graph.output], result)


def one_conv(weight: np.ndarray, requantize: Requantize, side: int = 1) -> Graph:
    channels_out, channels_in = weight.shape[:2]
    tensors = {"x": Tensor("x", channels_in, side, side, 1.0, 0), "y": Tensor("y", channels_out, side, side, 1.0, 0)}
    return Graph("one", (Conv("conv", ("x",), "y", weight, Window(), 1, requantize),), tensors, "x", "y")


def test_ties_go_up():
    requantize = Requantize(bias=[0], multiplier=[1 << 15], shift=[16], zero_point=100)
    tensors = {"x": Tensor("x", 1, 1, 4, 1.0, 0), "y": Tensor("y", 1, 1, 4, 2.0, 100)}
    for sign, expected in ((1, [101, 101, 102, 102]), (-1, [100, 99, 99, 98])):
        weight = np.full((1, 1, 1, 1), sign, np.int8)
        graph = Graph("ties", (Conv("conv", ("x",), "y", weight, Window(), 1, requantize),), tensors, "x", "y")
        image = np.array([[[1, 2, 3, 4]]], np.uint8)
        assert reference.run(graph, image)["y"].ravel().tolist() == expected


def test_large_sums_are_exact():
    """Past 2**24 float32 would lose units: 4096 taps of 127 * 255, less one tap of 1."""
    weight = np.full((1, 4096, 1, 1), 127, np.int8)
    weight[0, 0] = 126
    exact = 255 * (127 * 4096 - 1)
    requantize = Requantize(bias=[-exact + 7], multiplier=[1 << 15], shift=[15])
    assert reference.run(one_conv(weight, requantize), np.full((4096, 1, 1), 255, np.uint8))["y"].item() == 7


def test_float64_where_float32_is_not_proved(monkeypatch):
    """The proof of float32 only chooses the way, never the numbers."""
    rng = np.random.default_rng(3)
    graph = random_graph(rng)
    image = random_image(rng, graph)
    with_float32 = reference.run(graph, image)
    monkeypatch.setattr(reference, "FLOAT32_EXACT", 0)
    with_float64 = reference.run(graph, image)
    assert all(np.array_equal(with_float32[name], with_float64[name]) for name in with_float32)


@pytest.mark.parametrize("image, found", [
    (np.zeros((1, 5, 5), np.uint8), r"uint8 of shape \(1, 5, 5\)"),
    (np.zeros((2, 1, 1), np.float32), r"float32 of shape \(2, 1, 1\)"),
])
def test_wrong_image(image, found):
    graph = one_conv(np.ones((1, 2, 1, 1), np.int8), IDENTITY)
    with pytest.raises(FirelaneError, match=rf"^image: {found}; the network 'one' wants uint8 of shape \(2, 1, 1\)$"):
        reference.run(graph, image)


def test_unknown_node():
    graph = one_conv(np.ones((1, 1, 1, 1), np.int8), IDENTITY)
    graph = graph.with_nodes([Node("odd", ("x",), "y")])
    with pytest.raises(TypeError, match="^node odd: the reference has no definition of Node$"):
        reference.run(graph, np.zeros((1, 1, 1), np.uint8))


def lines_executed(work) -> int:
    """Lines of Python, counted each time they are executed."""
    count, before = 0, sys.gettrace()

    def trace(frame, event, argument):
        nonlocal count
        count += event == "line"
        return trace
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def test_a_large_layer_is_no_loop_of_python():
    """conv1 of SqueezeNet v1.0: 1.1 million pixels in some lines for each of the 49 places of its window."""
    rng = np.random.default_rng(0)
    tensors = {"x": Tensor("x", 3, 224, 224, 1.0, 0), "y": Tensor("y", 96, 109, 109, 1.0, 0)}
    weight = rng.integers(-127, 128, (96, 3, 7, 7), dtype=np.int8)
    node = Conv("conv1", ("x",), "y", weight, Window((7, 7), (2, 2)), 1, Requantize([0], [1 << 15], [25]))
    image = rng.integers(0, 256, (3, 224, 224), dtype=np.uint8)
    graph = Graph("conv1", (node,), tensors, "x", "y")
    assert 49 <= lines_executed(lambda: reference.run(graph, image)) < 49 * 20
