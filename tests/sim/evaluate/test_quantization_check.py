"""What quantize made is held against the float model: sound networks pass, a layer that was lost is named."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import firelane
from firelane.compiler.frame_io.preprocessing import stored_values
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.quantize import quantize as quantization
from firelane.compiler.quantize.calibrated import read_calibrated
from firelane.sim.evaluate.quantization_check import LEAST_DECIBELS, check_quantization
from tests.compiler.quantize.test_canonical import FloatModel
from tests.compiler.small_networks import small_model
from tests.fuzz.float_graphs import SIDE, float_model


def checked(model: onnx.ModelProto, images: np.ndarray, spoil=lambda quantized: None) -> float | None:
    """The check of what `quantize` makes of a model, spoilt."""
    source = read_calibrated(model, images, len(images))
    quantized = quantization.quantize(source.model, source.images)
    spoil(quantized)
    graph = load_graph(quantized)
    return check_quantization(graph, quantized, source.model, stored_values(graph, source.images[0]))


def images_of(shape: tuple[int, int, int], count: int = 4) -> np.ndarray:
    return np.random.default_rng(3).normal(0, 1, (count, *shape)).astype(np.float32)


@pytest.mark.parametrize("seed", range(12))
def test_random_networks(seed):
    least = checked(float_model(np.random.default_rng(seed)), images_of((3, SIDE, SIDE)))
    assert least is not None and least > LEAST_DECIBELS


def test_a_clamp_that_is_lost(monkeypatch):
    """Found by a Split whose half was joined with a convolution: ONNX Runtime took the Relu for saturation."""
    model = FloatModel()
    clamped = model.node("Relu", model.conv("image", 4, 3, 3, 3))
    joined = model.node("Concat", clamped, model.conv("image", 4, 3, 3, 3), axis=1)
    proto = model.proto(model.head(joined, 8))
    assert firelane.quantize(proto, images_of((3, 12, 12))).agreement is not None
    monkeypatch.setattr(quantization, "put_back_clamps", lambda *graphs: None)
    with pytest.raises(firelane.FirelaneError, match=r"quantized, it has -?\d+\.\d dB of signal to noise, beside"):
        firelane.quantize(proto, images_of((3, 12, 12)))
    assert firelane.quantize(proto, images_of((3, 12, 12)), check=False).agreement is None


def test_a_weight_that_is_lost():
    """What is compared first behind it is named: what the part is joined in."""
    def spoil(quantized: onnx.ModelProto) -> None:
        tensor = next(tensor for tensor in quantized.graph.initializer
                      if tensor.name.startswith("fire2/expand1x1.") and tensor.name.endswith("_quantized")
                      and len(tensor.dims) == 4)
        weight = numpy_helper.to_array(tensor).copy()
        weight[0] = -weight[0]
        tensor.CopyFrom(numpy_helper.from_array(weight, tensor.name))

    model = small_model()
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim][1:]
    pixels = np.random.default_rng(3).integers(0, 256, (4, *shape), dtype=np.uint8)
    assert checked(model, pixels) > LEAST_DECIBELS
    with pytest.raises(firelane.FirelaneError, match="^fire2/concat: quantized, it has"):
        checked(model, pixels, spoil)
