"""QLinear operators written out as DequantizeLinear, the float operator, QuantizeLinear: what they are by definition.

ONNX Runtime's integer kernels for uint8 activations and int8 weights saturate sums of two products at 16 bits on x86
processors without VNNI, and can be wrong by tens of steps; its float operators are not.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper


def in_qdq_form(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy without QLinearConv, QLinearMatMul and QGemm whose parameters are initializers; names stay."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    writers = {"QLinearConv": _conv, "QLinearMatMul": _matmul, "QGemm": _gemm}
    constants = {tensor.name: tensor for tensor in copy.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for number, node in enumerate(copy.graph.node):
        writer = writers.get(node.op_type)
        if writer is None or not all(name in constants for name in node.input[1:] if name):
            nodes.append(node)
            continue
        nodes += writer(_Node(node, number, copy.graph, constants))
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy


class _Node:
    """One QLinear node, and names for what it is made of."""

    def __init__(self, node: onnx.NodeProto, number: int, graph: onnx.GraphProto, constants: dict):
        self.node, self.prefix, self.graph, self.constants = node, f"{node.output[0]}/{number}", graph, constants

    def has(self, index: int) -> bool:
        return index < len(self.node.input) and bool(self.node.input[index])

    def real(self, index: int) -> onnx.NodeProto:
        """DequantizeLinear of the map at `index` with the two inputs behind it; its output is `prefix/index`."""
        inputs = [name for name in self.node.input[index:index + 3] if name]
        return helper.make_node("DequantizeLinear", inputs, [f"{self.prefix}/{index}"])

    def weights(self, index: int, axis: int) -> None:
        """Store what DequantizeLinear makes of the weights at `index`: before opset 13 it has no axis."""
        integers = self.array(index).astype(np.int64)
        column = [1] * integers.ndim
        column[axis] = -1
        zero_point = self.array(index + 2).astype(np.int64).reshape(column) if self.has(index + 2) else 0
        self.store(index, (integers - zero_point).astype(np.float32) * self.array(index + 1).reshape(column))

    def bias(self, index: int, scale_x: int, scale_w: int) -> None:
        """Store the real bias: its steps are the product of two inputs."""
        if self.has(index):
            steps = self.array(scale_x).ravel() * self.array(scale_w).ravel()
            self.store(index, self.array(index).reshape(-1).astype(np.float32) * steps)

    def store(self, index: int, values: np.ndarray) -> None:
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(values, np.float32),
                                                              f"{self.prefix}/{index}"))

    def array(self, index: int) -> np.ndarray:
        return numpy_helper.to_array(self.constants[self.node.input[index]])

    def operator(self, op_type: str, inputs: list[int], attributes: tuple[str, ...] | None) -> onnx.NodeProto:
        """The float operator on what has been dequantized."""
        node = helper.make_node(op_type, [f"{self.prefix}/{index}" for index in inputs if self.has(index)],
                                [f"{self.prefix}/real"])
        node.attribute.extend(attribute for attribute in self.node.attribute
                              if attributes is None or attribute.name in attributes)
        return node

    def quantize(self, index: int) -> onnx.NodeProto:
        """QuantizeLinear with inputs `index` and `index + 1`."""
        inputs = [f"{self.prefix}/real", *(name for name in self.node.input[index:index + 2] if name)]
        return helper.make_node("QuantizeLinear", inputs, [self.node.output[0]], name=self.node.name)


def _conv(node: _Node) -> list[onnx.NodeProto]:
    node.weights(3, axis=0)
    node.bias(8, 1, 4)
    return [node.real(0), node.operator("Conv", [0, 3, 8], None), node.quantize(6)]


def _matmul(node: _Node) -> list[onnx.NodeProto]:
    node.weights(3, axis=1)
    return [node.real(0), node.operator("MatMul", [0, 3], ()), node.quantize(6)]


def _gemm(node: _Node) -> list[onnx.NodeProto]:
    if not node.has(7):                # the result is float: nothing is quantized
        return [node.node]
    transposed = any(attribute.name == "transB" and attribute.i for attribute in node.node.attribute)
    node.weights(3, axis=0 if transposed else 1)
    node.bias(6, 1, 4)
    return [node.real(0), node.operator("Gemm", [0, 3, 6], ("transB",)), node.quantize(7)]
