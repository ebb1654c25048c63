"""Every model that a test of the importer makes is held against ONNX Runtime."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from firelane.compiler.ir.graph import Graph
from firelane.compiler.onnx_import import load_graph
from firelane.sim.onnx_session import OnnxSession
from tests.onnx_comparison import compare_layers


@pytest.fixture
def load(tmp_path):
    """Imports a model and compares every tensor with ONNX Runtime on two images."""
    def check(model: onnx.ModelProto, *, limit: int = 1) -> Graph:
        path = tmp_path / "model.onnx"
        onnx.save(model, path)
        graph = load_graph(path)
        rng = np.random.default_rng(1)
        images = rng.integers(0, 256, (2, *graph.tensors[graph.input].shape), dtype=np.uint8)
        differences = compare_layers(graph, OnnxSession(path), images)
        assert graph.output in differences
        assert all(difference.most_lsb <= limit for difference in differences.values())
        return graph
    return check
