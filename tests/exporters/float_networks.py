"""Small float networks of ONNX's own helper, for quantizers that take ONNX: random weights, always the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE, IMAGES, CLASSES = 24, 6, 10
POOLED = ("GlobalAveragePool", {}), ("Flatten", {})


def images() -> np.ndarray:
    """What the networks are calibrated and compared with."""
    return np.random.default_rng(1).normal(0, 1, (IMAGES, 3, SIDE, SIDE)).astype(np.float32)


class Feeds:
    """The same, as ONNX Runtime's calibration asks for it."""

    def __init__(self) -> None:
        self.rewind()

    def rewind(self) -> None:
        self._feeds: Iterator[dict[str, np.ndarray]] = iter([{"image": image[None]} for image in images()])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._feeds, None)


def classifier(*layers: tuple[str, dict[str, Any]], opset: int = 13) -> onnx.ModelProto:
    """Conv and Relu, then `layers`: operator and attributes; Conv, Gemm, MatMul, Mul and Add get a constant."""
    rng = np.random.default_rng(7)
    nodes, constants, value, channels = [], [], "image", 3
    for number, (op_type, attributes) in enumerate((("Conv", {"strides": [2, 2]}), ("Relu", {}), *layers)):
        arrays, channels = _parameters(rng, op_type, channels)
        names = [f"{op_type}{number}.{index}" for index in range(len(arrays))]
        constants += [numpy_helper.from_array(array.astype(np.float32), name) for name, array in zip(names, arrays)]
        nodes.append(helper.make_node(op_type, [value, *names], [f"value{number}"], name=f"{op_type}{number}",
                                      **attributes))
        value = f"value{number}"
    result = onnx.ValueInfoProto(name=value)
    result.type.tensor_type.elem_type = TensorProto.FLOAT
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    graph = helper.make_graph(nodes, "classifier", [image], [result], constants)
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", opset)])
    return onnx.shape_inference.infer_shapes(model)


def _parameters(rng: np.random.Generator, op_type: str, channels: int) -> tuple[list[np.ndarray], int]:
    """Constants of an operator, and how many channels leave it."""
    match op_type:
        case "Conv":
            return [rng.normal(0, 0.3, (16, channels, 3, 3)), rng.normal(0, 0.1, 16)], 16
        case "Gemm":
            return [rng.normal(0, 0.5, (channels, CLASSES)), rng.normal(0, 0.1, CLASSES)], CLASSES
        case "MatMul":
            return [rng.normal(0, 0.5, (channels, CLASSES))], CLASSES
        case "Mul" | "Add":
            return [rng.uniform(0.5, 1.5, (channels, 1, 1))], channels
        case "Clip":
            return [np.array(0.0), np.array(0.5)], channels
    return [], channels
