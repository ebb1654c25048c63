"""Writes an `ir.Graph` as a quantized ONNX model, so that random networks can be read back and run in ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from firelane.compiler.ir.graph import (
    PIXEL_MAX,
    Add,
    AveragePool,
    ChannelScale,
    Concat,
    Conv,
    GlobalAverage,
    Graph,
    MaxPool,
    Node,
    Rescale,
    Tensor,
    Window,
)
from firelane.compiler.ir.verify import window_output

MICROSOFT = "com.microsoft"


def qdq_model(graph: Graph, *, signed: bool = False, zero_points: bool = True) -> onnx.ModelProto:
    """QuantizeLinear and DequantizeLinear around each operator.

    Parameters
    ----------
    signed : bool
        Activations are int8 instead of uint8.
    zero_points : bool
        False: leave out zero points that are 0.
    """
    return _Writer(graph, signed, zero_points).model(qoperator=False)


def qoperator_model(graph: Graph, *, signed: bool = False) -> onnx.ModelProto:
    """QLinear operators, where there is one; clamps other than by saturation are not written: give a graph without."""
    return _Writer(graph, signed, True).model(qoperator=True)


@dataclass
class _Writer:
    graph: Graph
    signed: bool
    zero_points: bool
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def model(self, qoperator: bool) -> onnx.ModelProto:
        source, result = self.graph.tensors[self.graph.input], self.graph.tensors[self.graph.output]
        self.node("QuantizeLinear", ["image", *self.parameters(source)], source.name)
        for node in self.graph.nodes:
            (self.qlinear if qoperator else self.float_layer)(node)
        self.node("DequantizeLinear", [result.name, *self.parameters(result)], "result")
        graph = helper.make_graph(
            self.nodes, self.graph.name,
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, *source.shape])],
            [helper.make_tensor_value_info("result", TensorProto.FLOAT, [1, *result.shape])],
            list(self.constants.values()))
        model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13),
                                                                      helper.make_opsetid(MICROSOFT, 1)])
        onnx.checker.check_model(model)
        return model

    def node(self, op_type: str, inputs: list[str], output: str, name: str = "", **attributes) -> str:
        self.nodes.append(helper.make_node(op_type, inputs, [output], name=name or f"{output}/{op_type}",
                                           **attributes))
        return output

    def constant(self, name: str, array: np.ndarray) -> str:
        self.constants[name] = numpy_helper.from_array(np.asarray(array), name)
        return name

    def parameters(self, tensor: Tensor) -> list[str]:
        """Names of the scale and zero point."""
        names = [self.constant(f"{tensor.name}.scale", np.float32(tensor.scale))]
        zero_point = tensor.zero_point - 128 if self.signed else tensor.zero_point
        if zero_point or self.zero_points or self.signed:
            kind = np.int8 if self.signed else np.uint8
            names.append(self.constant(f"{tensor.name}.zero_point", kind(zero_point)))
        return names

    def float_layer(self, node: Node) -> None:
        """DequantizeLinear of each input, the operator on floats, its clamp, QuantizeLinear."""
        inputs = [self.node("DequantizeLinear", [name, *self.parameters(self.graph.tensors[name])],
                            f"{node.name}.input{index}") for index, name in enumerate(node.inputs)]
        result = self.graph.tensors[node.output]
        value = f"{node.name}.value"
        match node:
            case Conv():
                weights = [self.dequantized_weight(node), self.dequantized_bias(node)]
                self.node("Conv", inputs + weights, value, node.name, group=node.groups, **_window(node.window))
            case MaxPool():
                self.node("MaxPool", inputs, value, node.name, **_max_window(node, self.graph))
            case AveragePool():
                self.node("AveragePool", inputs, value, node.name, count_include_pad=1, **_window(node.window))
            case GlobalAverage():
                self.node("GlobalAveragePool", inputs, value, node.name)
            case Add():
                self.node("Add", inputs, value, node.name)
            case Concat():
                self.node("Concat", inputs, value, node.name, axis=1)
            case Rescale():
                value = inputs[0]
            case ChannelScale():
                value = self.channel_scale(node, inputs[0])
        if not isinstance(node, MaxPool | Concat):
            value = self.clamped(node, value, result)
        self.node("QuantizeLinear", [value, *self.parameters(result)], result.name)

    def channel_scale(self, node: ChannelScale, value: str) -> str:
        """Mul of one number a channel, and Add of another where the node adds anything."""
        source, result = (self.graph.tensors[name] for name in (node.inputs[0], node.output))
        steps = node.requantize.multiplier / np.exp2(node.requantize.shift) * result.scale
        factors = node.factors.astype(np.int64)
        offsets = node.requantize.bias + factors * source.zero_point
        numbers = self.constant(f"{node.name}.factors", np.float32(factors * steps / source.scale).reshape(-1, 1, 1))
        value = self.node("Mul", [value, numbers], f"{node.name}.product", node.name)
        if not offsets.any() and np.abs(factors).max() <= 1:
            return value
        more = self.constant(f"{node.name}.offsets", np.float32(offsets * steps).reshape(-1, 1, 1))
        return self.node("Add", [value, more], f"{node.name}.sum")

    def clamped(self, node: Node, value: str, result: Tensor) -> str:
        low, high = node.requantize.low, node.requantize.high
        if (low, high) == (0, PIXEL_MAX):
            return value
        if (low, high) == (result.zero_point, PIXEL_MAX):
            return self.node("Relu", [value], f"{node.name}.clamped")
        bounds = [self.constant(f"{node.name}.{name}", np.float32((bound - result.zero_point) * result.scale))
                  for name, bound in (("low", low), ("high", high))]
        return self.node("Clip", [value, *bounds], f"{node.name}.clamped")

    def weight_scale(self, node: Conv) -> np.ndarray:
        """float32 (O,): what makes the node's multipliers and shifts."""
        source, result = (self.graph.tensors[name] for name in (node.inputs[0], node.output))
        real = node.requantize.multiplier / np.exp2(node.requantize.shift)
        return np.float32(np.broadcast_to(real, len(node.weight)) * result.scale / source.scale)

    def bias(self, node: Conv) -> np.ndarray:
        """int32 (O,) in steps of scale_x * scale_w."""
        zero_point = self.graph.tensors[node.inputs[0]].zero_point
        sums = node.weight.reshape(len(node.weight), -1).astype(np.int64).sum(axis=1)
        return np.int32(node.requantize.bias + zero_point * sums)

    def dequantized_weight(self, node: Conv) -> str:
        names = [self.constant(f"{node.name}.weight", node.weight),
                 self.constant(f"{node.name}.weight.scale", self.weight_scale(node)),
                 self.constant(f"{node.name}.weight.zero_point", np.zeros(len(node.weight), np.int8))]
        return self.node("DequantizeLinear", names, f"{node.name}.weight.real", axis=0)

    def dequantized_bias(self, node: Conv) -> str:
        scale = np.float32(self.graph.tensors[node.inputs[0]].scale) * self.weight_scale(node)
        names = [self.constant(f"{node.name}.bias", self.bias(node)),
                 self.constant(f"{node.name}.bias.scale", scale)]
        return self.node("DequantizeLinear", names, f"{node.name}.bias.real", axis=0)

    def qlinear(self, node: Node) -> None:
        """The QLinear operator of a node."""
        result = self.graph.tensors[node.output]
        parts = [[name, *self.parameters(self.graph.tensors[name])] for name in node.inputs]
        ends = self.parameters(result)
        match node:
            case Conv():
                weight = [self.constant(f"{node.name}.weight", node.weight),
                          self.constant(f"{node.name}.weight.scale", self.weight_scale(node)),
                          self.constant(f"{node.name}.weight.zero_point", np.zeros(len(node.weight), np.int8))]
                bias = self.constant(f"{node.name}.bias", self.bias(node))
                self.node("QLinearConv", parts[0] + weight + ends + [bias], node.output, node.name, group=node.groups,
                          **_window(node.window))
            case MaxPool():
                self.node("MaxPool", [node.inputs[0]], node.output, node.name, **_max_window(node, self.graph))
            case AveragePool():
                self.node("QLinearAveragePool", parts[0] + ends, node.output, node.name, domain=MICROSOFT,
                          count_include_pad=1, **_window(node.window))
            case GlobalAverage():
                self.node("QLinearGlobalAveragePool", parts[0] + ends, node.output, node.name, domain=MICROSOFT)
            case Add():
                self.node("QLinearAdd", parts[0] + parts[1] + ends, node.output, node.name, domain=MICROSOFT)
            case Concat():
                inputs = [*ends, *chain.from_iterable(parts)]
                self.node("QLinearConcat", inputs, node.output, node.name, domain=MICROSOFT, axis=1)
            case Rescale():
                value = self.node("DequantizeLinear", parts[0], f"{node.name}.real")
                self.node("QuantizeLinear", [value, *ends], node.output)
            case ChannelScale():                          # QLinearMul has 8 bits for all factors
                self.float_layer(node)


def _window(window: Window) -> dict[str, list[int]]:
    return {"kernel_shape": list(window.kernel), "strides": list(window.stride), "pads": list(window.pads)}


def _max_window(node: MaxPool, graph: Graph) -> dict:
    """A pool's attributes, with ceil_mode where the output is larger than it would be without."""
    source, result, window = graph.tensors[node.inputs[0]], graph.tensors[node.output], node.window
    floor = tuple(window_output(source.shape[axis + 1], window.kernel[axis], window.stride[axis],
                                window.pads[axis] + window.pads[axis + 2]) for axis in (0, 1))
    return {**_window(window), "ceil_mode": int(floor != (result.height, result.width))}
