"""What breaks the rules of `compiler.ir.graph` is found and named."""

from dataclasses import replace

import numpy as np
import pytest

from firelane.compiler.ir.graph import Add, ChannelScale, Concat, Conv, Graph, MaxPool, Requantize, Tensor, Window
from firelane.compiler.ir.verify import InvalidGraphError, verify

PLAIN = Requantize([0], [1 << 15], [20])


def graph_with(**changes) -> Graph:
    """Two convolutions; `changes` are fields of the second."""
    weight = np.ones((2, 2, 3, 3), np.int8)
    window = Window((3, 3), pads=(1, 1, 1, 1))
    first = Conv("first", ("x",), "a", weight, window, 1, PLAIN)
    second = replace(Conv("second", ("a",), "y", weight, window, 1, PLAIN), **changes)
    tensors = {name: Tensor(name, 2, 6, 7, 1.0, 0) for name in "xay"}
    return Graph("two", (first, second), tensors, "x", "y")


def test_a_sound_graph_comes_back():
    graph = graph_with()
    assert verify(graph) is graph


@pytest.mark.parametrize("changes, message", [
    ({"inputs": ("y",)}, "second: reads y before it is computed"),
    ({"output": "a"}, "second: output a has another producer"),
    ({"output": "z"}, "second: output z is not a tensor of the graph"),
    ({"name": "first"}, "two: two nodes have the same name"),
    ({"inputs": ("a", "x")}, "second: has 2 inputs, not 1"),
    ({"window": Window((3, 3))}, r"second: makes \(2, 4, 5\), but y has shape \(2, 6, 7\)"),
    ({"window": Window((1, 1))}, r"second: weights are \[3, 3\], window \(1, 1\)"),
    ({"groups": 2}, r"second: weights \(2, 2, 3, 3\) in 2 groups do not fit 2 channels"),
    ({"requantize": Requantize([0, 0, 0], [1 << 15], [20])}, r"second: bias has shape \(3,\) for 2 channels"),
    ({"requantize": Requantize([0], [5], [20])}, r"second: multipliers are not in \[32768, 65536\)"),
    ({"requantize": Requantize([0], [1 << 15], [41])}, r"second: shifts outside 1\.\.40"),
    ({"requantize": Requantize([1 << 31], [1 << 15], [20])}, "second: biases do not fit 32 bits"),
    ({"requantize": Requantize([0], [1 << 15], [20], low=9, high=8)}, r"second: clamps to 9\.\.8"),
    ({"requantize": Requantize([0], [1 << 15], [20], zero_point=1)}, "second: zero point 1, but y has 0"),
])
def test_broken_nodes(changes, message):
    with pytest.raises(InvalidGraphError, match=f"^after a test: {message}$"):
        verify(graph_with(**changes), after="a test")


@pytest.mark.parametrize("changes, message", [
    ({"scale": 0.0}, r"y: has scale 0\.0"), ({"zero_point": 256}, "y: has zero point 256"),
    ({"channels": 0}, r"y: has the empty shape \(0, 6, 7\)"), ({"name": "b"}, "y: is registered for tensor b")])
def test_broken_tensors(changes, message):
    graph = graph_with()
    graph = graph.with_nodes(graph.nodes, y=replace(graph.tensors["y"], **changes))
    with pytest.raises(InvalidGraphError, match=f"^after construction: {message}$"):
        verify(graph)


def test_output_that_nothing_computes():
    with pytest.raises(InvalidGraphError, match="^after construction: two: output b is never computed$"):
        verify(replace(graph_with(), output="b"))


@pytest.mark.parametrize("node, message", [
    (MaxPool("m", ("x",), "y", Window()), "m: x and y differ in scale or zero point"),
    (Concat("c", ("x",), "y"), "c: x and y differ in scale or zero point"),
    (Concat("c", (), "y"), "c: has 0 inputs, not 1"),
    (Add("s", ("x", "x"), "y", (1, 1, 1, 1, 1), (1,), PLAIN), r"s: factors \(1, 1, 1, 1, 1\) are not 1 to 4 of int8"),
    (Add("s", ("x", "x"), "y", (), (1,), PLAIN), r"s: factors \(\) are not 1 to 4 of int8"),
    (Add("s", ("x", "w"), "y", (1,), (1,), PLAIN), r"s: reads \(2, 6, 7\) and \(1, 6, 7\)"),
    (Concat("c", ("x", "v"), "y"), "c: joins maps of different sizes"),
    (ChannelScale("t", ("x",), "y", [1, 1, 1], PLAIN), r"t: factors have shape \(3,\) for 2 channels"),
    (ChannelScale("t", ("x",), "y", [1, 1], Requantize([0] * 3, [1 << 15], [20])),
     r"t: bias has shape \(3,\) for 2 channels"),
    (ChannelScale("t", ("v",), "y", [1], PLAIN), r"t: makes \(1, 5, 7\), but y has shape \(2, 6, 7\)"),
])
def test_other_broken_nodes(node, message):
    tensors = {name: Tensor(name, channels, rows, 7, scale, 0) for name, channels, rows, scale in
               (("x", 2, 6, 1.0), ("y", 2, 6, 2.0), ("w", 1, 6, 1.0), ("v", 1, 5, 1.0))}
    graph = Graph("one", (node,), tensors, "x", "y")
    known = {"w", "v"} & set(node.inputs)
    if known:                                            # give the second operand a producer
        name = known.pop()
        weight = np.ones((1, 2, 1 if name == "w" else 2, 1), np.int8)
        maker = Conv("make", ("x",), name, weight, Window(weight.shape[2:]), 1, PLAIN)
        graph = graph.with_nodes([maker, node])
    with pytest.raises(InvalidGraphError, match=f"^after construction: {message}$"):
        verify(graph)


@pytest.mark.parametrize("rows, sound", [(2, True), (3, True), (4, False)])
def test_ceil_mode_allows_one_row_more(rows, sound):
    """6 rows, 3x3/2: two windows fit, a third begins inside the map, a fourth would not."""
    tensors = {"x": Tensor("x", 1, 6, 3, 1.0, 0), "y": Tensor("y", 1, rows, 1, 1.0, 0)}
    graph = Graph("pool", (MaxPool("m", ("x",), "y", Window((3, 3), (2, 2))),), tensors, "x", "y")
    if sound:
        verify(graph)
    else:
        with pytest.raises(InvalidGraphError, match=r"m: makes \(1, 2, 1\), but y has shape \(1, 4, 1\)$"):
            verify(graph)
