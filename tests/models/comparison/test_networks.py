"""The networks to compare with have the parameters, multiplications and layers that were published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from firelane.compiler.support.errors import ConfigError
from firelane.models.comparison.comparison_graph import build
from firelane.models.comparison.networks import COMPARISON, drawn
from firelane.models.squeezenet_weights import random_parameters
from tests.models.graphs import run

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
MILLION = 1_000_000

# Parameters, exactly, of implementations that were trained, batch normalization counted: torchvision's `num_params` of
# mobilenet_v2, shufflenet_v2_x0_5, shufflenet_v2_x1_0 and resnet18; github.com/osmr/imgclsmob, pytorch/README.md, for
# MobileNet, ShuffleNet (g=3) and 1.0-SqNxt-23; Caffe's bvlc_alexnet has 60 965 224.
PARAMETERS = {
    "mobilenet_v1_0.25": 470_072, "mobilenet_v1_0.5": 1_331_592, "mobilenet_v1_0.75": 2_585_560,
    "mobilenet_v1_1.0": 4_231_976, "mobilenet_v2_1.0": 3_504_872, "shufflenet_v1_0.25": 305_902,
    "shufflenet_v1_0.5": 718_324, "shufflenet_v1_1.0": 1_865_728, "shufflenet_v2_0.5": 1_366_792,
    "shufflenet_v2_1.0": 2_278_604, "resnet18": 11_689_512, "squeezenext_1.0": 724_056, "alexnet": 60_965_224,
}
# Millions of multiplications, as rounded in print: MobileNets, arXiv 1704.04861, table 6; the authors' README of
# MobileNetV2 (tensorflow/models, slim/nets/mobilenet); ShuffleNet, arXiv 1707.01083, table 2 (38 and 13 for 0.5x and
# 0.25x, which count more than multiplications); ShuffleNetV2, arXiv 1807.11164, table 8; resnet18: torchvision's _ops;
# SqueezeNext, arXiv 1803.10615, table 2; AlexNet: Chen et al., Eyeriss, JSSC 2017.
MULTIPLICATIONS = {
    "mobilenet_v1_0.25": (41, 0.01), "mobilenet_v1_0.5": (149, 0.01), "mobilenet_v1_0.75": (325, 0.01),
    "mobilenet_v1_1.0": (569, 0.01), "mobilenet_v2_0.5": (97, 0.01), "mobilenet_v2_0.75": (209, 0.01),
    "mobilenet_v2_1.0": (300, 0.01), "shufflenet_v1_0.5": (38, 0.02), "shufflenet_v1_1.0": (140, 0.02),
    "shufflenet_v2_0.5": (41, 0.02), "shufflenet_v2_1.0": (146, 0.01), "resnet18": (1814, 0.001),
    "squeezenext_1.0": (282, 0.03), "alexnet": (724, 0.001),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters(name):
    assert drawn(name).parameters == PARAMETERS[name]


def test_rounded_parameters():
    """The authors of MobileNetV2 print 1.95 and 2.61 million for 0.5 and 0.75; 0.25 is not printed."""
    assert drawn("mobilenet_v2_0.5").parameters == pytest.approx(1.95 * MILLION, rel=0.012)
    assert drawn("mobilenet_v2_0.75").parameters == pytest.approx(2.61 * MILLION, rel=0.012)


@pytest.mark.parametrize("name", MULTIPLICATIONS)
def test_multiplications(name):
    printed, tolerance = MULTIPLICATIONS[name]
    assert drawn(name).macs == pytest.approx(printed * MILLION, rel=tolerance)


def test_every_network_is_held_against_something():
    assert {*PARAMETERS, *MULTIPLICATIONS, "mobilenet_v2_0.25"} == {*COMPARISON}


def windows(model: onnx.ModelProto) -> list[tuple]:
    """(operator, kernel, strides, groups) of convolutions, pools, normalizations and linear layers."""
    found = []
    for node in model.graph.node:
        values = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        if node.op_type in ("Conv", "MaxPool", "LRN", "Gemm"):
            found.append((node.op_type, values.get("kernel_shape"), values.get("strides", [1, 1]),
                          values.get("group", 1)))
    return found


def test_alexnet_is_that_of_the_onnx_package():
    """The exporter's graph of bvlc_alexnet, without its weights; ours is drawn, and compared without its own."""
    theirs = windows(onnx.load(LIGHT / "light_bvlc_alexnet.onnx"))
    ours = [(node.operator, node.attributes.get("kernel_shape"), node.attributes.get("strides", [1, 1]),
             node.attributes.get("group", 1)) for node in drawn("alexnet").nodes
            if node.operator in ("Conv", "MaxPool", "LRN", "Gemm")]
    assert ours == theirs


@pytest.mark.parametrize("name", ["mobilenet_v1_0.25", "mobilenet_v2_0.25", "shufflenet_v1_0.25", "shufflenet_v2_0.5",
                                  "resnet18", "squeezenext_1.0"])
def test_graphs_compute_something(name):
    net = drawn(name, 64)
    model = build(name, net, *random_parameters(net.convolutions, seed=1, densities={}))
    result = run(model, np.random.default_rng(2).integers(0, 256, (1, 3, 64, 64)))
    assert result.shape == (1, 1000) and result.sum() == pytest.approx(1, abs=1e-4)
    assert np.count_nonzero(result > 1e-6) > 10         # not one class alone: values neither vanish nor run away


def test_too_small():
    with pytest.raises(ConfigError, match="^input size: conv2 sees a 2 x 2 map|^input size: pool"):
        drawn("alexnet", 19)
