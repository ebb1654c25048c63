"""Small random float networks with what exporters write: normalisation, batch norms, activations, pools, heads."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 9


class _Writer:
    """Nodes and constants of one graph, each layer chosen by `rng`."""

    def __init__(self, rng: np.random.Generator):
        self.rng, self.nodes, self.constants = rng, [], []
        self.side = SIDE                                 # of the map so far

    def node(self, op_type: str, *inputs: str, **attributes) -> str:
        name = f"{op_type}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, inputs, [f"{name}_out"], name=name, **attributes))
        return f"{name}_out"

    def constant(self, values) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def floats(self, *shape: int, mean: float = 0.0, spread: float = 1.0) -> str:
        return self.constant((mean + spread * self.rng.normal(size=shape)).astype(np.float32))

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def conv(self, value: str, inputs: int, outputs: int, kernel: int) -> str:
        weight = self.floats(outputs, inputs, kernel, kernel, spread=(2 / (inputs * kernel ** 2)) ** 0.5)
        bias = [self.floats(outputs, spread=0.1)] if self.chance(0.7) else []
        value = self.node("Conv", value, weight, *bias, kernel_shape=[kernel] * 2, pads=[kernel // 2] * 4)
        return self.activation(self.batch_norm(value, outputs) if self.chance(0.3) else value)

    def batch_norm(self, value: str, channels: int) -> str:
        spread = self.constant(self.rng.uniform(0.5, 2, channels).astype(np.float32))
        return self.node("BatchNormalization", value, self.floats(channels, mean=1, spread=0.2),
                         self.floats(channels, spread=0.2), self.floats(channels, spread=0.2), spread)

    def activation(self, value: str) -> str:
        match int(self.rng.integers(0, 6)):
            case 0:
                return self.node("Clip", value, self.constant(np.float32(0)), self.constant(np.float32(6)))
            case 1:
                return value
            case 2:
                return self.node("LeakyRelu", value, alpha=float(self.rng.uniform(-0.3, 1)))
            case 3:
                return self.node("PRelu", value, self.floats(1, 1, 1, mean=0.2, spread=0.2))
            case _:
                return self.node("Relu", value)

    def join(self, value: str, channels: int) -> str:
        """A fire module, a bypass, a shuffle or a split, all with as many channels as they are given."""
        match int(self.rng.integers(0, 6)):
            case 0 | 1:
                return self.node("Add", value, self.conv(value, channels, channels, 3))
            case 2:
                return self.shuffle(value, channels)
            case 3:
                return self.split(value, channels)
        half = self.conv(value, channels, channels // 2, 1)
        return self.node("Concat", self.conv(half, channels // 2, channels // 2, 1),
                         self.conv(half, channels // 2, channels // 2, 3), axis=1)

    def shuffle(self, value: str, channels: int) -> str:
        groups = self.constant(np.int64([1, 2, channels // 2, self.side, self.side]))
        value = self.node("Transpose", self.node("Reshape", value, groups), perm=[0, 2, 1, 3, 4])
        return self.node("Reshape", value, self.constant(np.int64([1, channels, self.side, self.side])))

    def split(self, value: str, channels: int) -> str:
        """One half through a convolution, then both in either order."""
        halves = [f"half{len(self.nodes)}{which}" for which in "ab"]
        sizes = self.constant(np.int64([channels // 2] * 2))
        self.nodes.append(helper.make_node("Split", [value, sizes], halves, name=halves[0], axis=1))
        parts = [halves[0], self.conv(halves[1], channels // 2, channels // 2, 3)]
        return self.node("Concat", *(parts if self.chance(0.5) else parts[::-1]), axis=1)

    def pool(self, value: str) -> str:
        self.side //= 2
        kind = "MaxPool" if self.chance(0.6) else "AveragePool"
        return self.node(kind, value, kernel_shape=[2, 2], strides=[2, 2])

    def head(self, value: str, channels: int, classes: int) -> str:
        if self.chance(0.5):
            value = self.node("GlobalAveragePool", self.conv(value, channels, classes, 1))
            value = self.node("Flatten", value)
        else:
            value = self.node("Flatten", self.node("GlobalAveragePool", value))
            value = self.node("Gemm", value, self.floats(classes, channels), self.floats(classes), transB=1)
        return self.node("Softmax", value, axis=1) if self.chance(0.5) else value


def float_model(rng: np.random.Generator) -> onnx.ModelProto:
    """One network of 2 to 6 layers for maps of 3 x 9 x 9."""
    writer, channels, classes = _Writer(rng), int(rng.choice((4, 6, 8))), 5
    value = "image"
    if writer.chance(0.3):
        value = writer.node("Sub", value, writer.constant(np.full((1, 3, 1, 1), 0.4, np.float32)))
        value = writer.node("Div", value, writer.constant(np.full((1, 3, 1, 1), 0.25, np.float32)))
    value = writer.conv(value, 3, channels, 3)
    for _ in range(int(rng.integers(0, 4))):
        value = writer.pool(value) if writer.chance(0.3) and "Pool" not in value else writer.join(value, channels)
    value = writer.head(value, channels, classes)
    dims = [int(rng.integers(0, 2)) or "N", 3, SIDE, SIDE]
    graph = helper.make_graph(
        writer.nodes, "float", [helper.make_tensor_value_info("image", TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, [dims[0], classes])], writer.constants)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
