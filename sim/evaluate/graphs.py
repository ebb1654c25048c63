"""What has to be known of ONNX graphs to compare two: where their scores are, which tensors belong together.

Names carry everything: `onnxruntime.quantization` keeps those of the float graph, and so does the compressor.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import helper, numpy_helper

from firelane.compiler.onnx_import.kind import DEQUANTIZE, QUANTIZE
from firelane.compiler.support.errors import ModelError

__all__ = ["Pairs", "derived_float", "own_pairs", "pairs", "with_scores"]

SOFTMAX = ("Softmax", "LogSoftmax", "QLinearSoftmax")
CLAMPS = ("Relu", "Clip")
FOLLOWED = frozenset({"QuantizeLinear", "DequantizeLinear", "Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze",
                      *CLAMPS})        # of probabilities a clamp changes nothing; `derived_float` makes such
QUANTIZED_SUFFIX = "_quantized"        # what the QOperator form adds to names
REAL_SCORES = "firelane/scores"
Pairs = tuple[tuple[str, str], ...]    # quantized tensor, float tensor


def with_scores(model: onnx.ModelProto) -> tuple[onnx.ModelProto, str]:
    """The model, and the name of the tensor that a Softmax at the end reads; of the output if there is no Softmax.

    Where the Softmax reads codes, the model is a copy that has their real values as well.
    """
    made_by, output = _makers(model.graph), model.graph.output[0].name
    name = output
    while name in made_by and made_by[name].op_type in FOLLOWED:
        name = made_by[name].input[0]
    last = made_by.get(name)
    if last is None or last.op_type not in SOFTMAX:
        return model, output
    if last.op_type != "QLinearSoftmax":
        return model, last.input[0]
    extended = onnx.ModelProto()
    extended.CopyFrom(model)
    extended.graph.node.append(helper.make_node(DEQUANTIZE, last.input[:3], [REAL_SCORES], name=REAL_SCORES))
    return extended, REAL_SCORES


def pairs(quantized: onnx.GraphProto, original: onnx.GraphProto, tensors: Iterable[str]) -> Pairs:
    """Each of `tensors`, 8-bit tensors of the quantized graph, with the tensor of the original that it stands for.

    A clamp that quantization took in (ReLU, where the zero point is the least value) belongs to the original's tensor.
    Tensors without a counterpart are left out.
    """
    made_by = _makers(quantized)
    known = set(_makers(original)) | {value.name for value in original.input}
    kept = {name for node in quantized.node if node.op_type in CLAMPS for name in (node.input[0], node.output[0])}
    found = []
    for name in tensors:
        if name in made_by and made_by[name].op_type == QUANTIZE:
            real = made_by[name].input[0]
        else:
            real = name.removesuffix(QUANTIZED_SUFFIX)
        if real in known:
            found.append((name, real if real in kept else _behind_clamp(original, real)))
    return tuple(found)


def derived_float(model: onnx.ModelProto) -> onnx.ModelProto:
    """The QDQ model without quantization of activations: its weights and biases stay as they are, nothing is rounded.

    Each QuantizeLinear and DequantizeLinear of an activation becomes a Relu, where values below 0 had no code (then
    ReLU may have been left to the quantizer), else an Identity. Saturation at the upper end is taken away as well.

    Raises
    ------
    ModelError
        If the model is of QLinear operators.
    """
    if any(node.op_type.startswith("QLinear") for node in model.graph.node):
        raise ModelError(model.graph.name or "model", "QLinear operators: there is no float graph in it",
                         hint="give the float model with --float")
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    quantizers = _activation_quantizers(model.graph)
    nodes = []
    for node in plain.graph.node:
        if node.op_type == DEQUANTIZE and node.input[0] in quantizers:
            source = quantizers[node.input[0]]
            kind = "Relu" if _starts_at_0(model.graph, source) else "Identity"
            nodes.append(helper.make_node(kind, [source.input[0]], [node.output[0]], name=node.name))
        else:
            nodes.append(node)
    del plain.graph.node[:]
    plain.graph.node.extend(node for node in nodes if not (node.op_type == QUANTIZE and node.output[0] in quantizers))
    for value in [value for value in plain.graph.output if value.name in quantizers]:
        value.CopyFrom(onnx.ValueInfoProto(name=quantizers[value.name].input[0]))
    return plain


def own_pairs(quantized: onnx.GraphProto, tensors: Iterable[str]) -> Pairs:
    """The same as `pairs`, for the graph that `derived_float` makes of `quantized`."""
    real = {node.input[0]: node.output[0] for node in quantized.node if node.op_type == DEQUANTIZE}
    return tuple((name, real[name]) for name in tensors if name in real)


def _makers(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    return {name: node for node in graph.node for name in node.output}


def _behind_clamp(graph: onnx.GraphProto, name: str) -> str:
    """The output of the clamp that alone reads `name`; `name` if there is none."""
    readers = [node for node in graph.node if name in node.input]
    return readers[0].output[0] if len(readers) == 1 and readers[0].op_type in CLAMPS else name


def _activation_quantizers(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    """QuantizeLinear nodes by their output, but those of constants."""
    constants = {tensor.name for tensor in graph.initializer}
    constants |= {name for node in graph.node if node.op_type == "Constant" for name in node.output}
    return {node.output[0]: node for node in graph.node if node.op_type == QUANTIZE and node.input[0] not in constants}


def _starts_at_0(graph: onnx.GraphProto, quantizer: onnx.NodeProto) -> bool:
    """Whether the least code means 0."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    if len(quantizer.input) < 3 or not quantizer.input[2]:
        return True                                      # uint8 with zero point 0 is what ONNX supposes
    if quantizer.input[2] not in constants:
        return False
    zero_point = numpy_helper.to_array(constants[quantizer.input[2]])
    return bool(np.all(zero_point == np.iinfo(zero_point.dtype).min))
