"""Relu and Clip that ONNX Runtime takes for saturation of the integers behind them, put back where they are not.

Its quantizer removes them all: the range of what follows ends where they clamp. Not so where that shares its scale with
something wider, a part of the same concatenation: then the clamp has to stay.
"""

from __future__ import annotations

import math

import onnx
from onnx import helper, numpy_helper

from firelane.compiler.ir.graph import PIXEL_MAX
from firelane.compiler.ir.quantization import quantize

CLAMPS = ("Relu", "Clip")


def put_back_clamps(quantized: onnx.GraphProto, original: onnx.GraphProto) -> None:
    """Put the clamps of a float graph back into what ONNX Runtime quantized of it, in place."""
    constants = {tensor.name: tensor for graph in (original, quantized) for tensor in graph.initializer}
    present = {tensor.name for tensor in quantized.initializer}
    kept = {node.output[0] for node in quantized.node if node.op_type in CLAMPS}
    makers = {name: node for node in quantized.node for name in node.output}
    readers = {node.input[0]: node for node in quantized.node if node.op_type == "QuantizeLinear"}
    for clamp in (node for node in original.node if node.op_type in CLAMPS):
        names = (clamp.output[0], f"{clamp.output[0]}_QuantizeLinear_Input")      # the second: a result of the network
        if kept.intersection(names):
            continue
        name = next((name for name in names if name in readers and name in makers), None)
        if name is None or _saturates(_bounds(clamp, constants), readers[name], constants):
            continue
        maker, before = makers[name], f"{name}/unclamped"
        maker.output[list(maker.output).index(name)] = before
        node = helper.make_node(clamp.op_type, [before, *clamp.input[1:]], [name], name=clamp.name)
        node.attribute.extend(clamp.attribute)
        quantized.node.insert(list(quantized.node).index(maker) + 1, node)
        missing = [other for other in clamp.input[1:] if other and other not in present]
        quantized.initializer.extend(constants[other] for other in missing)
        present.update(missing)


def _bounds(clamp: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> tuple[float, float]:
    """What a clamp clamps to; opset 13 at least."""
    if clamp.op_type == "Relu":
        return 0.0, math.inf
    said = [numpy_helper.to_array(constants[name]).item() if name in constants else None for name in clamp.input[1:]]
    low, high = [*said, None, None][:2]
    return (-math.inf if low is None else low), (math.inf if high is None else high)


def _saturates(bounds: tuple[float, float], quantizer: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> bool:
    """Whether the integers end where the clamp does."""
    scale, zero_point = (numpy_helper.to_array(constants[name]).item() for name in quantizer.input[1:3])
    return [quantize(bound, scale, zero_point) for bound in bounds] == [0, PIXEL_MAX]
