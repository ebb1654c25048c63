"""A small float SqueezeNet with a bypass, random weights: input of `onnxruntime.quantization.quantize_static`."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS = 32


class _Layers:
    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def node(self, op_type: str, name: str, *inputs: str, **attributes) -> str:
        self.nodes.append(helper.make_node(op_type, inputs, [f"{name}_out"], name=name, **attributes))
        return f"{name}_out"

    def conv(self, name: str, source: str, shape: tuple[int, int, int, int], **attributes) -> str:
        """Conv with bias and ReLU."""
        weight = self.rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape).astype(np.float32)
        bias = self.rng.normal(0, 0.1, shape[0]).astype(np.float32)
        self.weights += [numpy_helper.from_array(weight, f"{name}.w"), numpy_helper.from_array(bias, f"{name}.b")]
        value = self.node("Conv", name, source, f"{name}.w", f"{name}.b", kernel_shape=shape[2:], **attributes)
        return self.node("Relu", f"{name}/relu", value)

    def fire(self, name: str, source: str) -> str:
        squeezed = self.conv(f"{name}/squeeze1x1", source, (8, CHANNELS, 1, 1))
        left = self.conv(f"{name}/expand1x1", squeezed, (CHANNELS // 2, 8, 1, 1))
        right = self.conv(f"{name}/expand3x3", squeezed, (CHANNELS // 2, 8, 3, 3), pads=[1] * 4)
        return self.node("Concat", f"{name}/concat", left, right, axis=1)


def small_squeezenet(side: int, classes: int = 10, fires: int = 2, seed: int = 0) -> onnx.ModelProto:
    """conv1, pool1, fires (the last with a bypass), conv10, global average, softmax; symbolic batch."""
    layers = _Layers(seed)
    value = layers.conv("conv1", "image", (CHANNELS, 3, 3, 3), strides=[2, 2])
    value = layers.node("MaxPool", "pool1", value, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    for index in range(fires):
        before, value = value, layers.fire(f"fire{index + 2}", value)
    value = layers.node("Add", "bypass", value, before)
    value = layers.node("Dropout", "drop9", value)
    value = layers.conv("conv10", value, (classes, CHANNELS, 1, 1))
    value = layers.node("Flatten", "flatten", layers.node("GlobalAveragePool", "pool10", value))
    value = layers.node("Softmax", "softmax", value, axis=1)
    graph = helper.make_graph(
        layers.nodes, "small_squeezenet",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, side, side])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["N", classes])], layers.weights)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
