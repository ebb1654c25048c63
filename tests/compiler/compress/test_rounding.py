"""Weights rounded again: less error, the same zeros, no more bytes, and layers that are no convolutions left alone."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from firelane.compiler.compress.compensation import Problem, rounded
from firelane.compiler.compress.measure import measure
from firelane.compiler.compress.quantized_graph import graph_weights
from firelane.compiler.compress.rounding import rounded_again
from firelane.compiler.compress.sources import LEAST_IMAGES
from firelane.compiler.ir.graph import WEIGHT_MAX, Conv
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.passes import WEIGHTS_AS_GIVEN
from firelane.compiler.quantize.calibrated import Calibrated
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.quantize.quantize import quantize
from firelane.hw.contract.config import EngineConfig
from firelane.models.digits import load_split, to_network_input
from firelane.models.making.digits_quantize import recorded
from firelane.models.making.variants import FOLDER, VARIANTS
from firelane.sim.benchmark.divergences import Mean, divergences, table
from firelane.sim.validate import validate
from tests.compiler.compress.test_compensation import correlated
from tests.compiler.quantize.test_last_layer import IMAGES, network

USED, JUDGED = 32, 64


def test_errors_are_made_good_and_zeros_stay():
    found = plain = 0.0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        allowed = rng.random((6, 30)) < 0.6
        problem = Problem(allowed * rng.normal(size=(6, 30)), correlated(rng, 30), np.ones(6))
        levels = rounded(problem, np.full(6, 0.3), allowed)
        assert not levels[~allowed].any() and np.abs(levels).max() <= WEIGHT_MAX
        found += problem.error(levels * 0.3)
        plain += problem.error(np.rint(problem.target / 0.3) * 0.3)
    assert found < 0.7 * plain


@pytest.fixture(scope="module")
def digits() -> tuple[onnx.ModelProto, list[np.ndarray], list[np.ndarray]]:
    """The float network, images to quantize it with, and others."""
    training, held_out = load_split()
    model = recorded(read_float_model(onnx.load(FOLDER / VARIANTS[0].float_file)))
    return model, list(to_network_input(training.images[:USED])), list(to_network_input(held_out.images[:JUDGED]))


@pytest.fixture(scope="module")
def pair(digits) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """Quantized, and rounded again."""
    model, used, _ = digits
    plain = quantize(model, used)
    return plain, rounded_again(plain, model, used)


def graphs(pair):
    return [load_graph(model, WEIGHTS_AS_GIVEN) for model in pair]


def test_zeros_and_bytes_stay(pair):
    plain, again = graphs(pair)
    moved = 0
    for one, other in zip(plain.nodes, again.nodes):
        if isinstance(one, Conv):
            assert not other.weight[one.weight == 0].any()
            moved += np.count_nonzero(one.weight != other.weight)
    assert moved > 1000
    costs = [measure(graph, EngineConfig()) for graph in (plain, again)]
    assert costs[1].rom.parameters < costs[0].rom.parameters and costs[1].cycles <= costs[0].cycles


def test_it_is_nearer_to_the_float_network_on_other_images(digits, pair):
    model, _, judged = digits
    plain, again = divergences(Calibrated(model, judged), pair)
    assert again.mean() < plain.mean()


def test_it_is_what_onnxruntime_computes(digits, pair):
    again = pair[1]
    images = [image.astype(np.uint8) for image in digits[2][:2]]
    assert validate(load_graph(again), again, images).images >= len(images)


def test_few_images_change_nothing(digits):
    model, used, _ = digits
    plain = quantize(model, used[:LEAST_IMAGES - 1])
    assert rounded_again(plain, model, used[:LEAST_IMAGES - 1]) is plain


def test_a_fully_connected_layer_stays():
    model = read_float_model(network("Gemm"))
    images = list(IMAGES.astype(np.float32))
    plain = quantize(model, images)
    found = [graph_weights(load_graph(each, WEIGHTS_AS_GIVEN)) for each in (plain, rounded_again(plain, model, images))]
    [fully] = [name for name in found[0] if name != "conv"]
    assert (found[0][fully].taps == found[1][fully].taps).all() and (found[0][fully].bias == found[1][fully].bias).all()
    assert (found[0]["conv"].taps != found[1]["conv"].taps).any()


def test_the_table_compares_image_by_image():
    first, second = np.array([0.1, 0.3, 0.2]), np.array([0.2, 0.4, 0.3])
    assert Mean.of(second - first).error == pytest.approx(0, abs=1e-12) and Mean.of(second).error > 0.05
    lines = table(["a", "b"], [first, second]).splitlines()
    assert len(lines) == 2 and "0.10000" in lines[1] and "0.10000" not in lines[0]
