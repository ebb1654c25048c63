"""Blocks of the ShuffleNets, from the float model to the engine: what a shuffle, a split and a slope become there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from firelane.compiler.compile import compile_graph
from firelane.compiler.ir.graph import Graph
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.passes import WEIGHTS_AS_GIVEN
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.quantize.quantize import quantize
from firelane.hw.contract.config import EngineConfig
from firelane.sim.validate import validate, validate_rewriting
from tests.compiler.quantize.test_canonical import FloatModel, kinds
from tests.end_to_end import test_emulator_equals_verilator as verilator
from tests.end_to_end.test_reference_equals_emulator import LARGE, check
from tests.simulators import roomy_engine

SIDE = 16


def shuffled(model: FloatModel, value: str, groups: int, channels: int) -> str:
    half = SIDE // 2
    value = model.node("Reshape", value, model.constant(np.int64([1, groups, channels // groups, half, half])))
    value = model.node("Transpose", value, perm=[0, 2, 1, 3, 4])
    return model.node("Reshape", value, model.constant(np.int64([1, channels, half, half])))


def first(slope: float | None = None) -> onnx.ModelProto:
    """The unit of ShuffleNet v1: 1x1 in groups, shuffle, depthwise, 1x1 in groups, and the bypass."""
    model = FloatModel((1, 3, SIDE, SIDE))
    source = model.node("Relu", model.conv("image", 24, 3, 3, 3, pads=[1] * 4, strides=[2, 2]))
    value = model.conv(source, 12, 8, 1, 1, group=3)
    value = model.node("Relu", value) if slope is None else model.node("LeakyRelu", value, alpha=slope)
    value = model.conv(shuffled(model, value, 3, 12), 12, 1, 3, 3, group=12, pads=[1] * 4)
    value = model.node("Add", source, model.conv(value, 24, 4, 1, 1, group=3))
    return model.proto(model.head(model.node("Relu", value), 24))


def second(slope: float | None = None) -> onnx.ModelProto:
    """Two units of ShuffleNet v2: one half goes through three convolutions, then both are shuffled."""
    model = FloatModel((1, 3, SIDE, SIDE))
    value = model.node("Relu", model.conv("image", 16, 3, 3, 3, pads=[1] * 4, strides=[2, 2]))
    for unit in range(2):
        halves = [f"half{unit}{side}" for side in "ab"]
        model.nodes.append(onnx.helper.make_node("Split", [value, model.constant(np.int64([8, 8]))], halves, axis=1))
        value = model.node("Relu", model.conv(halves[1], 8, 8, 1, 1))
        value = model.conv(value, 8, 1, 3, 3, group=8, pads=[1] * 4)
        value = model.conv(value, 8, 8, 1, 1)
        value = model.node("Relu", value) if slope is None else model.node("LeakyRelu", value, alpha=slope)
        value = shuffled(model, model.node("Concat", halves[0], value, axis=1), 2, 16)
    return model.proto(model.head(value, 16))


def quantized(model: onnx.ModelProto) -> onnx.ModelProto:
    """Quantized, and compared with what it was made of."""
    images = np.random.default_rng(0).normal(0, 1, (4, 3, SIDE, SIDE)).astype(np.float32)
    source = read_float_model(model)
    assert validate_rewriting(model, source) < 1e-5
    return quantize(source, images)


NETWORKS: dict[str, tuple[Callable[[], onnx.ModelProto], list[str]]] = {
    "v1": (first, ["Conv", "Conv", "Conv", "Conv", "Add", "Conv", "GlobalAverage"]),
    "v2": (second, ["Conv"] * 8 + ["Select", "Select", "Concat", "Concat", "GlobalAverage"]),
    "v1 with slopes": (lambda: first(0.1), ["Conv", "Conv", "Rescale", "Rescale", "Maximum", "Conv", "Conv", "Add",
                                            "Conv", "GlobalAverage"]),
    "v2 with slopes": (lambda: second(0.1), []),
}


def images_of(graph: Graph) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (2, *graph.tensors[graph.input].shape), dtype=np.uint8)


@pytest.mark.parametrize("name", NETWORKS)
def test_reference_equals_onnx_runtime_and_emulator(name):
    write, expected = NETWORKS[name]
    model = quantized(write())
    graph, as_given = load_graph(model), load_graph(model, WEIGHTS_AS_GIVEN)
    images = images_of(graph)
    for each in (graph, as_given):
        agreement = validate(each, model, list(images))
        assert agreement.tensors and agreement.differing <= 0.01 * agreement.values
        check(compile_graph(each, EngineConfig(banks=2, **LARGE)), images[0])
    assert not expected or sorted(kinds(graph)) == sorted(expected)
    assert kinds(graph).count("Select") < kinds(as_given).count("Select")


@pytest.mark.parametrize("name", ["v1 with slopes", "v2"])
def test_emulator_equals_verilator(name, tmp_path):
    graph = load_graph(quantized(NETWORKS[name][0]()))
    verilator.check(compile_graph(graph, roomy_engine(2)), images_of(graph), tmp_path)
