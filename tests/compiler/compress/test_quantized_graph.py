"""compiler.compress.quantized_graph: graph, real weights and QDQ model say the same."""

import numpy as np
import onnx
import pytest

from firelane.compiler.coding.parameter_form import nearest_scales
from firelane.compiler.compress.float_network import FloatNetwork, integer_weights
from firelane.compiler.compress.quantized_graph import (
    graph_weights,
    integer_layer,
    real_weights,
    with_layers,
    with_weights,
)
from firelane.compiler.compress.sources import read_material
from firelane.compiler.ir.graph import Conv
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.support.errors import ModelError
from firelane.models.made_images import made_images
from firelane.sim import reference
from tests.compiler.small_networks import SIDE, small_model
from tests.networks import random_graph
from tests.onnx_models import qdq_model


def changed_layers(graph, seed: int):
    """Other levels, scales and biases for every convolution."""
    rng, layers = np.random.default_rng(seed), {}
    for node in graph.nodes:
        if isinstance(node, Conv):
            weights = integer_weights(node)
            steps = np.maximum(np.abs(weights.taps).max(axis=1), 1e-3) / rng.uniform(5, 60, len(weights.taps))
            multiplier, shift = nearest_scales(steps)
            levels = np.rint(weights.taps / (multiplier / np.exp2(shift))[:, None])
            levels = np.clip(levels, -127, 127).astype(np.int8)
            levels[:, 0] |= 1
            layers[node.name] = integer_layer(node, levels, multiplier, shift, weights.bias)
    return layers


@pytest.mark.parametrize("seed", range(6))
def test_what_is_written_is_read_again(seed, tmp_path):
    graph = random_graph(np.random.default_rng(seed), size="tiny", without=("grid",))
    onnx.save(qdq_model(graph), tmp_path / "a.onnx")
    read = load_graph(tmp_path / "a.onnx")
    layers = changed_layers(read, seed)
    onnx.save(with_weights(onnx.load(tmp_path / "a.onnx"), read, layers), tmp_path / "b.onnx")
    wanted, found = with_layers(read, layers), load_graph(tmp_path / "b.onnx")
    image = np.random.default_rng(seed).integers(0, 256, read.tensors[read.input].shape, dtype=np.uint8)
    assert np.array_equal(reference.run(wanted, image)[wanted.output], reference.run(found, image)[found.output])
    for a, b in zip(wanted.nodes, found.nodes, strict=True):
        if isinstance(a, Conv):
            assert np.array_equal(a.weight, b.weight)
            for name in ("bias", "multiplier", "shift"):
                assert np.array_equal(getattr(a.requantize, name), getattr(b.requantize, name)), (a.name, name)


def test_real_weights_are_the_float_model_in_output_steps(tmp_path):
    """The network without rounding, with these weights, is ONNX Runtime's float network but for scales."""
    import onnxruntime

    from firelane.compiler.quantize.float_model import read_float_model
    from firelane.compiler.quantize.fold_preprocessing import fold_preprocessing
    onnx.save(small_model(pad=0), tmp_path / "a.onnx")
    images = made_images(8, (3, SIDE, SIDE), seed=1)
    np.save(tmp_path / "images.npy", images)
    source = read_material(tmp_path / "a.onnx", tmp_path / "images.npy", limit=8).source
    model = fold_preprocessing(read_float_model(tmp_path / "a.onnx"))
    assert np.array_equal(source.weights["conv1"].taps, real_weights(source.graph, model)["conv1"].taps)
    network, graph = FloatNetwork(source.graph, rounding=False), source.graph
    output = graph.tensors[graph.output]
    found = (network.forward(images[0], source.weights)[graph.output].reshape(-1) - output.zero_point) * output.scale
    scores = [node.input[0] for node in model.graph.node if node.op_type == "Softmax"]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in scores)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = scores or [model.graph.output[0].name]
    wanted = session.run(names, {session.get_inputs()[0].name: images[:1].astype(np.float32)})[0].reshape(-1)
    assert np.allclose(found, wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())


def test_a_convolution_of_another_name_is_refused():
    graph = random_graph(np.random.default_rng(0), size="tiny")
    model = qdq_model(graph)
    layers = changed_layers(graph, 0)
    for node in model.graph.node:
        node.name = ""
    with pytest.raises(ModelError, match=r"^.*: its weights are not those of a Conv node of this name; only .*$"):
        with_weights(model, graph, layers)


def test_graph_weights_are_the_integers():
    graph = random_graph(np.random.default_rng(3), size="tiny")
    for name, weights in graph_weights(graph).items():
        node = next(node for node in graph.nodes if node.name == name)
        assert np.allclose(weights.taps * np.exp2(node.requantize.shift)[:, None],
                           node.weight.reshape(len(node.weight), -1) * node.requantize.multiplier[:, None])
