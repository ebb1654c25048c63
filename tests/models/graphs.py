"""Looking into a float graph, and running it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from firelane.models.squeezenet import NETWORKS

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light/light_squeezenet.onnx"
SMALL = 56

every_network = pytest.mark.parametrize("name", NETWORKS)


def windows(graph: onnx.GraphProto, *kinds: str) -> list[tuple]:
    """(operator, kernel, strides, pads) of each node of these kinds, in order."""
    found = []
    for node in graph.node:
        if node.op_type in kinds:
            attributes = {a.name: list(a.ints) for a in node.attribute}
            found.append((node.op_type, attributes["kernel_shape"], attributes["strides"],
                          attributes.get("pads", [0, 0, 0, 0])))
    return found


def constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def run(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"image": image.astype(np.float32)})[0]
