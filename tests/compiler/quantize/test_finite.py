"""Float models that compute infinities or no numbers at all are refused by name, and nothing else is said."""

from __future__ import annotations

import warnings

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import firelane
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.support.errors import ModelError
from firelane.sim.validate import validate_rewriting

RECORD = {"channels": "RGB", "mean": 0, "scale": 1}
IMAGES = np.random.default_rng(0).integers(1, 256, (8, 3, 8, 8), dtype=np.uint8)


def model(*nodes: onnx.NodeProto, **constants: object) -> onnx.ModelProto:
    """A convolution from x to y, then the nodes, from y to z."""
    constants["w"] = np.random.default_rng(0).normal(0, 1, (4, 3, 1, 1))
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], name="first"), *nodes], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(values, np.float32), name) for name, values in constants.items()])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])


def scaled_twice(factor: float) -> onnx.ModelProto:
    return model(helper.make_node("Mul", ["y", "a"], ["v"], name="one"),
                 helper.make_node("Mul", ["v", "a"], ["z"], name="two"), a=factor)


def normalised(variance: list[float], epsilon: float) -> onnx.ModelProto:
    return model(helper.make_node("BatchNormalization", ["y", "s", "b", "m", "v"], ["z"], name="bn", epsilon=epsilon),
                 s=np.ones(4), b=np.zeros(4), m=np.zeros(4), v=variance)


@pytest.mark.parametrize("given, message", [
    (scaled_twice(1e30), r"first \(Conv\): 12 of 12 weights are not finite numbers once .*"),
    (scaled_twice(1e19), r"first \(Conv\): \d+ of 256 values are not finite numbers on calibration image 0; .*"),
    (normalised([1, 1, -1, 1], 1e-5), r"bn \(BatchNormalization\): the variance of channel 2 is -1, with epsilon .*"),
    (normalised([1, 0, 1, 1], 0.0), r"bn \(BatchNormalization\): the variance of channel 1 is 0, with epsilon 0: .*"),
    (normalised([1, 1, 1, np.nan], 1e-5), r"bn \(BatchNormalization\): the variance of channel 3 is nan, .*"),
])
def test_refused_in_a_line(given, message):
    for work in (lambda: firelane.quantize(given, IMAGES, **RECORD),
                 lambda: firelane.compress(given, IMAGES, budget=9000, **RECORD)):
        with warnings.catch_warnings(), pytest.raises(ModelError, match=f"^{message}$"):
            warnings.simplefilter("error")
            work()


def test_large_numbers_that_are_some_are_taken():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert firelane.quantize(normalised([1, 1, -1, 1], 2.0), IMAGES, **RECORD).agreement.images
        assert firelane.quantize(scaled_twice(1e10), IMAGES, **RECORD).agreement.images


def test_nothing_equals_what_is_no_number():
    """Results of the original, and of what was made of it."""
    sound, broken = scaled_twice(1.0), scaled_twice(1e30)
    with pytest.raises(ModelError, match=r"\d+ of 256 results of ONNX Runtime on noise are not finite numbers; "):
        validate_rewriting(broken, read_float_model(sound))
    rewritten = read_float_model(sound)
    weight = next(tensor for tensor in rewritten.graph.initializer if len(tensor.dims) == 4)
    weight.CopyFrom(numpy_helper.from_array(np.full((4, 3, 1, 1), np.nan, np.float32), weight.name))
    with pytest.raises(ModelError, match=r"its results differ by nan of the largest"):
        validate_rewriting(sound, rewritten)
