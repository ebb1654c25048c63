"""Scales moved between layers: the network computes the same, ranges are more alike, and what cannot be moved stays."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

import firelane
from firelane.compiler.onnx_import.standard import shapes_of
from firelane.compiler.quantize.calibration import channel_ranges
from firelane.compiler.quantize.channel_ties import FIXED, channel_ties
from firelane.compiler.quantize.equalisation import (
    FACTORS_KEY,
    GRID_LEVELS,
    MOST,
    channel_factors,
    equalised,
    on_grid,
)
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.models.making.variants import FOLDER, VARIANTS
from tests.compiler.small_networks import SIDE, small_model

IMAGES = np.random.default_rng(3).integers(0, 256, (8, 3, SIDE, SIDE), dtype=np.uint8)
CHANNELS = 8
RECORD = {"channels": "RGB", "mean": 0, "scale": 1}
SPREAD = np.exp2(np.arange(CHANNELS) % 4 - 3.0)        # ranges of channels: an eighth to 1


def network(behind: str) -> onnx.ModelProto:
    """conv a, then one kind of node, then conv b or a fully connected layer; channels of a are of several ranges."""
    rng = np.random.default_rng(5)
    kernel = rng.normal(0, 0.02, (CHANNELS, 3, 3, 3))
    kernel = (kernel - kernel.mean(axis=(1, 2, 3), keepdims=True)) * SPREAD[:, None, None, None]    # no channel is dead
    constants = {"a": kernel, "a2": kernel[:, ::-1].copy(), "ab": rng.normal(0, 1, CHANNELS) * SPREAD,
                 "slope": np.array(0.0), "top": np.array(6.0), "deep": rng.normal(0, 0.5, (CHANNELS, 1, 3, 3)),
                 "paired": rng.normal(0, 0.5, (4, CHANNELS // 2, 1, 1)), "b": rng.normal(0, 0.5, (4, CHANNELS, 3, 3)),
                 "wide": rng.normal(0, 0.5, (4, 2 * CHANNELS, 1, 1)), "fc": rng.normal(0, 0.5, (CHANNELS, 4)),
                 "bb": rng.normal(0, 1, 4)}
    nodes = [helper.make_node("Conv", ["x", "a", "ab"], ["c"], name="a"), helper.make_node("Relu", ["c"], ["r"])]
    last = helper.make_node("Conv", ["m", "b", "bb"], ["y"], name="b")
    match behind:
        case "MaxPool" | "AveragePool":
            nodes.append(helper.make_node(behind, ["r"], ["m"], kernel_shape=[2, 2], strides=[2, 2]))
        case "LeakyRelu":
            nodes.append(helper.make_node(behind, ["r"], ["m"], alpha=0.25))
        case "Clip":
            nodes.append(helper.make_node("Clip", ["r", "slope", "top"], ["m"]))
        case "depthwise":
            nodes.append(helper.make_node("Conv", ["r", "deep"], ["m"], name="deep", group=CHANNELS))
        case "grouped":
            nodes.append(helper.make_node("Identity", ["r"], ["m"]))
            last = helper.make_node("Conv", ["m", "paired", "bb"], ["y"], name="b", group=2)
        case "Concat" | "Add":
            nodes.append(helper.make_node("Conv", ["x", "a2"], ["c2"], name="a2"))
            nodes.append(helper.make_node("Relu", ["c2"], ["r2"]))
            nodes.append(helper.make_node(behind, ["r", "r2"], ["m"], **({"axis": 1} if behind == "Concat" else {})))
            if behind == "Concat":
                last = helper.make_node("Conv", ["m", "wide", "bb"], ["y"], name="b")
        case "fc":
            nodes += [helper.make_node("GlobalAveragePool", ["r"], ["g"]), helper.make_node("Flatten", ["g"], ["m"])]
            last = helper.make_node("Gemm", ["m", "fc", "bb"], ["y"], name="b")
    read = {name for node in (*nodes, last) for name in node.input}
    return onnx.shape_inference.infer_shapes(helper.make_model(helper.make_graph(
        [*nodes, last], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in constants.items()
         if name in read]), ir_version=8, opset_imports=[helper.make_opsetid("", 13)]))


def inputs() -> list[np.ndarray]:
    return list(IMAGES.astype(np.float32))


def results(model: onnx.ModelProto) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.array([session.run(None, {session.get_inputs()[0].name: image[None]})[0].ravel() for image in inputs()])


def spread(model: onnx.ModelProto, tensor: str) -> float:
    """How many times the least range of a channel the largest is."""
    found = channel_ranges(model, [tensor], inputs())[tensor]
    return float(found.max() / found.min())


@pytest.mark.parametrize("behind", ["MaxPool", "AveragePool", "LeakyRelu", "depthwise", "grouped", "Concat", "Add",
                                    "fc"])
def test_it_computes_the_same_with_ranges_more_alike(behind):
    model = network(behind)
    changed = equalised(model, inputs())
    np.testing.assert_allclose(results(changed), results(model), rtol=1e-4, atol=1e-4)
    assert spread(changed, "r") < 0.6 * spread(model, "r")
    factors = channel_factors(metadata(changed))["r"]
    np.testing.assert_allclose(channel_ranges(changed, ["r"], inputs())["r"],
                               channel_ranges(model, ["r"], inputs())["r"] * factors, rtol=1e-4)
    assert factors.min() >= 1 and factors.max() <= MOST


def test_what_clamps_at_a_number_is_left_alone():
    model = network("Clip")
    assert equalised(model, inputs()) is model


def test_channels_that_an_addition_joins_have_one_factor():
    changed = equalised(network("Add"), inputs())
    factors = channel_factors(metadata(changed))
    assert (factors["r"] == factors["r2"]).all() and (factors["r"] == factors["m"]).all() and (factors["r"] > 1).any()


def test_input_and_output_keep_their_channels():
    model = read_float_model(small_model())
    ties = channel_ties(model.graph, shapes_of(model))
    for value in (*model.graph.input, *model.graph.output):
        assert (ties.of(value.name) == FIXED).all()
    squeezed = ties.of("fire2/squeeze1x1/relu_out")
    assert len(set(squeezed.tolist())) == len(squeezed) and FIXED not in squeezed


def test_weights_that_two_layers_share_are_left_alone():
    model = network("MaxPool")
    model.graph.node.append(helper.make_node("Conv", ["x", "a"], ["other"], name="other"))
    assert equalised(model, inputs()) is model


def test_a_record_that_is_none_counts_as_none():
    assert channel_factors({}) == {} == channel_factors({FACTORS_KEY: "[1"}) == channel_factors({FACTORS_KEY: "[1]"})
    np.testing.assert_allclose(channel_factors({FACTORS_KEY: json.dumps({"r": [0, 8]})})["r"], [1, 2])


def test_a_grid_of_weights_is_known():
    assert on_grid(onnx.load(FOLDER / VARIANTS[0].float_file))
    model = network("MaxPool")
    assert not on_grid(model)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.ndim == 4:
            half = (GRID_LEVELS - 1) // 2
            largest = np.abs(values).max(axis=(1, 2, 3), keepdims=True)
            tensor.CopyFrom(numpy_helper.from_array(np.rint(values / largest * half) / half * largest, tensor.name))
    assert on_grid(model)


class TestQuantize:
    """The command's Python: on by default, off where it is said, and each layer's noise is of what it stands for."""

    def quantized(self, **options) -> firelane.QuantizedNetwork:
        return firelane.quantize(network("Concat"), IMAGES, **RECORD, **options)

    def test_it_is_done_unless_it_is_not_wanted(self):
        assert FACTORS_KEY in metadata(self.quantized().model)
        assert FACTORS_KEY not in metadata(self.quantized(equalise=False).model)

    def test_a_network_on_a_grid_is_left_as_it_is_unless_it_is_wanted(self):
        digits = onnx.load(FOLDER / VARIANTS[0].float_file)
        pixels = np.random.default_rng(0).integers(0, 256, (4, 1, 56, 56), dtype=np.uint8)
        kept, changed = (firelane.quantize(digits, pixels, channels="gray", check=False, equalise=wanted)
                         for wanted in (None, True))
        assert FACTORS_KEY not in metadata(kept.model) and FACTORS_KEY in metadata(changed.model)

    def test_noise_of_a_layer_is_of_the_network_as_it_was(self, tmp_path):
        onnx.save(network("Concat"), tmp_path / "float.onnx")
        folder = tmp_path / "images"
        folder.mkdir()
        for number, image in enumerate(IMAGES):
            Image.fromarray(image.transpose(1, 2, 0)).save(folder / f"{number}.png")
        made = firelane.quantize(tmp_path / "float.onnx", folder, **RECORD)
        found = firelane.evaluate(made, folder, float_model=tmp_path / "float.onnx", workers=0, **RECORD)
        noise = {layer.original: layer.snr_db for layer in found.layers}
        assert min(noise[name] for name in ("r", "r2", "m")) > 30
