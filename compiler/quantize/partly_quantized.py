"""Quantized models whose quantizer left layers float: the quantizers that they lack are put in.

Exporters leave the output of the last layer float (TensorRT, Brevitas without an output quantizer, ONNX Runtime with
OpTypesToExcludeOutputQuantization), or whole layers, with their weights (ONNX Runtime with nodes_to_exclude). What is
quantized already stays bit for bit as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from firelane.compiler.onnx_import import refuse_unsupported
from firelane.compiler.onnx_import.problems import ModelErrors
from firelane.compiler.onnx_import.reader import Source, read_input, read_source
from firelane.compiler.onnx_import.standard import StandardErrors, admitted, opset_of
from firelane.compiler.quantize.calibration import Method, calibrate
from firelane.compiler.quantize.canonical import channels_first
from firelane.compiler.support.errors import ModelError

QUANTIZED = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger")
LEVELS = 255
WEIGHT_STEPS = 127
AXIS_OPSET = 13                        # the first whose DequantizeLinear has a scale for each channel

# Operators whose result takes the quantization of what reads it; all others want quantized maps.
PASSING = frozenset({"Relu", "Clip", "MaxPool", "Concat", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity",
                     "Dropout", "Transpose", "Split", "Slice", "Gather"})
WITH_BIAS = frozenset({"Conv", "Gemm", "MatMul"})


def is_quantized(model: onnx.ModelProto) -> bool:
    """Whether any operator of the model works on quantized values."""
    return any(node.op_type in QUANTIZED or node.op_type.startswith("QLinear") for node in model.graph.node)


def read_partly_quantized(source: Source) -> onnx.ModelProto:
    """A quantized model that lacks quantizers.

    Raises
    ------
    ModelError
        If it lacks none, or breaks the standard.
    """
    given, path = read_source(source)
    try:
        model = channels_first(admitted(given, path))
    except StandardErrors as several:
        raise ModelErrors(several.problems) from None
    refuse_unsupported(model.graph)
    if not unquantized(model.graph) and not _float_weights(model.graph):
        raise ModelError(str(path), "is quantized already", hint="compile it as it is")
    if read_input(model.graph).last:
        raise ModelError(f"input {read_input(model.graph).name}", "has its channels last",
                         hint="export with (1, channels, rows, columns) throughout")
    return model


def unquantized(graph: onnx.GraphProto) -> list[str]:
    """Real-valued tensors that a layer, or the network's result, wants to be quantized; nodes stand in order."""
    constants = {tensor.name for tensor in graph.initializer} | {""}
    makers: dict[str, onnx.NodeProto] = {}
    floats = {value.name for value in graph.input if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT}
    floats -= constants                # and what is computed, until it is quantized
    wanted: dict[str, None] = {}
    for node in graph.node:
        makers.update(dict.fromkeys(node.output, node))
        activations = [name for name in node.input if name not in constants]
        if not activations:
            constants.update(node.output)
        elif node.op_type in ("QuantizeLinear", "DequantizeLinear", "Shape") or node.op_type.startswith("QLinear"):
            continue
        elif node.op_type in PASSING:
            joins = node.op_type == "Concat" and not _of_one_quantizer([makers.get(name) for name in activations])
            floats.update(node.output if joins or floats.intersection(activations) else ())
        else:
            bias = (node.op_type in ("Add", "Sub") and len(activations) == 1 and activations[0] in makers
                    and makers[activations[0]].op_type in WITH_BIAS)
            wanted.update(dict.fromkeys(name for name in activations if name in floats and not bias))
            floats.update(node.output)
    heads = ("Softmax", "LogSoftmax", "Sigmoid", "HardSigmoid")
    results = (value.name for value in graph.output)
    wanted.update(dict.fromkeys(name for name in results if name in floats and makers[name].op_type not in heads))
    return list(wanted)


def _of_one_quantizer(makers: Sequence[onnx.NodeProto | None]) -> bool:
    """Whether parts come from DequantizeLinear nodes of one scale and zero point, so that joining rounds nothing."""
    found = {tuple(node.input[1:]) if node is not None and node.op_type == "DequantizeLinear" else None
             for node in makers}
    return len(found) == 1 and None not in found


def _float_weights(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Layers whose weights are constants that are not quantized."""
    floats = {tensor.name for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT}
    return [node for node in graph.node if node.op_type in WITH_BIAS and node.input[1] in floats]


def _quantize_weights(model: onnx.ModelProto) -> None:
    """Store float weights as int8, symmetric, a scale for each channel that is computed, in place."""
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in _float_weights(graph):
        name, values = f"{node.output[0]}/weight", numpy_helper.to_array(constants[node.input[1]])
        transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
        axis = 0 if node.op_type == "Conv" or transposed else values.ndim - 1
        others = tuple(place for place in range(values.ndim) if place != axis or opset_of(model) < AXIS_OPSET)
        scale = np.max(np.abs(values), axis=others, keepdims=True) / np.float32(WEIGHT_STEPS)
        scale[scale == 0] = 1
        parameters = {"stored": np.rint(values / scale).astype(np.int8), "scale": np.squeeze(scale, others),
                      "zero_point": np.squeeze(np.zeros_like(scale, np.int8), others)}
        graph.initializer.extend(numpy_helper.from_array(array, f"{name}/{part}") for part, array in parameters.items())
        dequantize = helper.make_node("DequantizeLinear", [f"{name}/{part}" for part in parameters], [name], name=name)
        if opset_of(model) >= AXIS_OPSET:
            dequantize.attribute.append(helper.make_attribute("axis", axis))
        graph.node.insert(list(graph.node).index(node), dequantize)
        node.input[1] = name


def completed(model: onnx.ModelProto, images: Sequence[np.ndarray], method: Method,
              progress: Callable[[str, int], None] = lambda stage, done: None) -> onnx.ModelProto:
    """A copy with QuantizeLinear and DequantizeLinear behind each of `unquantized`, ranges found on `images`.

    Weights that are float become int8.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _quantize_weights(copy)
    names = unquantized(copy.graph)
    ranges = calibrate(copy, names, images, method, progress)
    results = {value.name for value in copy.graph.output}
    nodes: list[onnx.NodeProto] = []
    for value in copy.graph.input:
        if value.name in names:
            nodes += _quantizer(copy.graph, value.name, *ranges[value.name], result=False)
    for node in copy.graph.node:
        made = [name for name in node.output if name in names]
        node.input[:] = [f"{name}/real" if name in names and name not in results else name for name in node.input]
        node.output[:] = [f"{name}/float" if name in made and name in results else name for name in node.output]
        nodes.append(node)
        for name in made:
            nodes += _quantizer(copy.graph, name, *ranges[name], result=name in results)
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy


def _quantizer(graph: onnx.GraphProto, name: str, low: float, high: float, *, result: bool) -> list[onnx.NodeProto]:
    """The two nodes; of a result of the network the DequantizeLinear takes its name, else the name is /real."""
    scale = (high - low) / LEVELS or 1.0
    parameters = [f"{name}/scale", f"{name}/zero_point"]
    for parameter, value in zip(parameters, (np.float32(scale), np.uint8(round(-low / scale)))):
        graph.initializer.append(numpy_helper.from_array(np.array(value), parameter))
    source, real = (f"{name}/float", name) if result else (name, f"{name}/real")
    return [helper.make_node("QuantizeLinear", [source, *parameters], [f"{name}/stored"], name=f"{name}/quantize"),
            helper.make_node("DequantizeLinear", [f"{name}/stored", *parameters], [real], name=f"{name}/dequantize")]
