"""Relu and Clip beside something wider in one concatenation: they clamp all the same."""

from __future__ import annotations

import numpy as np
import pytest

from tests.compiler.quantize.test_canonical import FloatModel, kinds, quantized

__all__ = ["quantized"]                # the fixture


def clamped(model: FloatModel, value: str, bounds: tuple[float | None, float | None] | None) -> str:
    """Relu, or Clip with these bounds."""
    if bounds is None:
        return model.node("Relu", value)
    return model.node("Clip", value, *("" if bound is None else model.constant(np.float32(bound)) for bound in bounds))


@pytest.mark.parametrize("bounds", [None, (0, 0.3), (-0.2, 0.2), (None, 0.1), (0.1, None)])
@pytest.mark.parametrize("names", [True, False])
def test_beside_a_convolution(quantized, bounds, names):
    model = FloatModel()
    parts = [clamped(model, model.conv("image", 6, 3, 3, 3), bounds), model.conv("image", 6, 3, 3, 3)]
    proto = model.proto(model.head(model.node("Concat", *parts, axis=1), 12))
    for node in proto.graph.node:
        node.name = node.name if names else ""
    graph = quantized(proto)
    assert kinds(graph) == ["Conv", "Conv", "Concat", "Conv", "GlobalAverage"]
    assert sum((node.requantize.low, node.requantize.high) != (0, 255) for node in graph.nodes[:2]) == 1


def test_where_the_range_ends_at_the_clamp(quantized):
    """Nothing is put back: the integers saturate there."""
    model = FloatModel()
    value = model.node("Relu", model.conv("image", 6, 3, 3, 3))
    graph = quantized(model.proto(model.head(value, 6)))
    assert (graph.nodes[0].requantize.low, graph.nodes[0].requantize.high) == (0, 255)


def test_as_the_result(quantized):
    """Where the clamped map is the network's own result, and a half of it clamped once more."""
    model = FloatModel()
    parts = [model.node("Relu", model.conv("image", 3, 3, 3, 3)), model.conv("image", 3, 3, 3, 3)]
    value = model.node("Clip", model.node("Concat", *parts, axis=1), "", model.constant(np.float32(0.5)))
    graph = quantized(model.proto(value))
    assert kinds(graph)[:2] == ["Conv", "Conv"]
