"""Random weights, pruned as the published ones are."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from firelane.models.squeezenet import NETWORKS
from firelane.models.squeezenet_graph import build
from firelane.models.squeezenet_weights import DEEP_COMPRESSION_DENSITIES
from tests.models.graphs import SMALL, constants, run


class TestRandomWeights:
    def test_same_seed_same_network(self):
        first, again, other = (build("squeezenet1.1", input_size=SMALL, seed=seed) for seed in (4, 4, 5))
        assert first.SerializeToString() == again.SerializeToString() != other.SerializeToString()

    def test_published_densities(self):
        found = constants(build("squeezenet1.0", input_size=SMALL, densities=DEEP_COMPRESSION_DENSITIES))
        assert DEEP_COMPRESSION_DENSITIES.keys() == {conv.name for conv in NETWORKS["squeezenet1.0"].convolutions}
        for name, density in DEEP_COMPRESSION_DENSITIES.items():
            weight = found[f"{name}.weight"]
            assert np.count_nonzero(weight) == round(density * weight.size), name

    @pytest.mark.parametrize("densities", [{}, DEEP_COMPRESSION_DENSITIES])
    def test_signal_neither_dies_nor_explodes(self, densities):
        model = build("squeezenet1.0", input_size=SMALL, densities=densities)
        model.graph.output.insert(0, onnx.ValueInfoProto(name="pool8_out"))
        values = run(model, np.random.default_rng(0).integers(0, 256, (1, 3, SMALL, SMALL)))
        assert 0.05 < values.std() < 20 and 0.1 < np.mean(values > 0) <= 1
