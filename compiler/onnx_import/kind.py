"""Which kind of model an ONNX graph is."""

from __future__ import annotations

import onnx

QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"


def is_quantized(graph: onnx.GraphProto) -> bool:
    """Whether there are quantizers or integer operators in it."""
    return any(node.op_type in (QUANTIZE, DEQUANTIZE) or node.op_type.startswith("QLinear") for node in graph.node)
