"""The float graph of the digit networks."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.models.making.digits_net import CONV1, convolutions, float_onnx
from firelane.models.making.variants import VARIANTS
from firelane.models.squeezenet import ConvSpec

every_variant = pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)


def arbitrary_parameters() -> tuple[dict, dict]:
    rng = np.random.default_rng(5)
    return ({conv.name: rng.normal(size=conv.weight_shape) for conv in convolutions()},
            {conv.name: rng.normal(size=conv.outputs) for conv in convolutions()})


class TestFloatGraph:
    @every_variant
    def test_has_every_convolution_in_order(self, variant):
        graph = float_onnx(*arbitrary_parameters(), bypass=variant.bypass).graph
        assert [node.name for node in graph.node if node.op_type == "Conv"] == [c.name for c in convolutions()]

    @every_variant
    def test_bypasses_fire_3_5_and_7_only(self, variant):
        graph = float_onnx(*arbitrary_parameters(), bypass=variant.bypass).graph
        added = [node.name for node in graph.node if node.op_type == "Add"]
        assert added == (["fire3/bypass", "fire5/bypass", "fire7/bypass"] if variant.bypass else [])

    def test_pools_once_with_and_once_without_ceil_mode(self):
        graph = float_onnx(*arbitrary_parameters(), bypass=False).graph
        modes = {node.name: attribute.i for node in graph.node if node.op_type == "MaxPool"
                 for attribute in node.attribute if attribute.name == "ceil_mode"}
        assert modes == {"pool1": 0, "pool3": 1}

    def test_weight_shape_is_output_channels_first(self):
        assert CONV1.weight_shape == (24, 1, 3, 3)
        assert ConvSpec("c", inputs=5, outputs=2, kernel=1).weight_shape == (2, 5, 1, 1)
