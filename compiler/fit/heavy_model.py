"""The workload of a model with more weights than any engine can hold, from the model itself.

To quantize such a model takes minutes and many times its size in memory, and would change nothing: no code brings its
weights into an engine. So shapes are inferred without the weights, and these are rounded and counted layer by layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import onnx
from onnx import numpy_helper

from firelane.compiler.fit.thinned import thinned_weights
from firelane.compiler.fit.workload import PARAMETER_BITS, Work, Workload, lanes_of, weighted
from firelane.compiler.onnx_import import refuse_unsupported
from firelane.compiler.onnx_import.reader import label, one_line, read_input
from firelane.compiler.onnx_import.standard import shapes_of
from firelane.compiler.quantize.float_model import FOLDED
from firelane.compiler.support.errors import ModelError

HEAVY = 1 << 24             #: weights; an engine holds at most as many words as make half a bit for each
SMALL = 1 << 12             #: elements of constants that shapes may depend on
BLOCK = 1 << 22             #: weights that are rounded at a time
STEPS = 127
WEIGHTED = ("Conv", "Gemm", "MatMul")
SAME = ("Identity", "Cast", "QuantizeLinear", "DequantizeLinear")       # weights and the image pass through these
WINDOWS = ("MaxPool", "AveragePool")


def is_heavy(model: onnx.ModelProto) -> bool:
    """Whether there are so many weights that they are not quantized."""
    return sum(math.prod(tensor.dims) for tensor in _constants(model.graph).values()) > HEAVY


def check_operators(model: onnx.ModelProto) -> None:
    """Nothing, if engines have all operators of the model.

    Raises
    ------
    ModelError
        If they do not.
    """
    refuse_unsupported(model.graph, also=FOLDED)


def workload_of_model(model: onnx.ModelProto, density: float | None = None) -> Workload:
    """What a float or quantized model has to do; operators that engines do not have are left out.

    Parameters
    ----------
    density : float, optional
        At most this share of each layer's weights is not zero.

    Raises
    ------
    ModelError
        If its shapes are not known.
    """
    source = read_input(model.graph, limited=False)
    bare = _without_weights(model, source.name, source.shape)
    try:
        shapes = shapes_of(onnx.shape_inference.infer_shapes(bare))
    except (onnx.shape_inference.InferenceError, RuntimeError, ValueError) as error:
        raise ModelError(model.graph.name or "model", f"not a valid model ({one_line(error)})",
                         hint="export it again") from None
    return Workload(tuple(_works(model.graph, source.name, shapes, density)))


def _without_weights(model: onnx.ModelProto, source: str, shape: tuple[int, ...]) -> onnx.ModelProto:
    """The model with an input in place of each large constant."""
    constants = _constants(model.graph)
    inputs = [onnx.helper.make_tensor_value_info(source, onnx.TensorProto.FLOAT, shape)]
    for value in model.graph.input:
        if value.name == source:
            inputs[0].type.tensor_type.elem_type = value.type.tensor_type.elem_type
        elif value.name not in constants:
            inputs.append(value)
    small, large = [], set()
    for name, tensor in constants.items():
        if math.prod(tensor.dims) > SMALL:
            large.add(name)
            inputs.append(onnx.helper.make_tensor_value_info(name, tensor.data_type, tensor.dims))
        elif tensor.name == name:               # else its node is there
            small.append(tensor)
    outputs = [onnx.ValueInfoProto(name=value.name, type=onnx.helper.make_tensor_type_proto(
        value.type.tensor_type.elem_type, None)) for value in model.graph.output]
    nodes = [node for node in model.graph.node if large.isdisjoint(node.output)]
    graph = onnx.helper.make_graph(nodes, model.graph.name or "model", inputs, outputs, small)
    return onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def _works(graph: onnx.GraphProto, source: str, shapes: dict[str, tuple[int, ...]],
           density: float | None) -> Iterator[Work]:
    constants = _constants(graph)
    makers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        if node.op_type not in (*WEIGHTED, *WINDOWS):
            continue
        shape = shapes.get(node.output[0])
        if shape is None:
            raise ModelError(label(node), "the shape of its result is not known", hint="export with a fixed input size")
        name, values = node.name or node.output[0], _values(node)
        stride = values.get("strides", (1, 1))[-1] if _origin(node.input[0], makers) != source else 1
        rows, columns = (shape[-2], lanes_of(shape[-1], stride)) if len(shape) == 4 else (1, 1)
        if node.op_type in WINDOWS:
            kernel = tuple(values["kernel_shape"])
            halved = node.op_type == "MaxPool" and tuple(values.get("strides", ())) == (2, 2)
            yield Work(name, np.full(shape[1], math.prod(kernel)), rows, columns,
                       halved_maximum=kernel if halved else ())
            continue
        weight = _weight(node, node.input[1], constants, makers)
        weight = weight if node.op_type == "Conv" or values.get("transB") else weight.swapaxes(0, -1)
        weight = _rounded(weight.reshape(*weight.shape[:2], -1))
        weight = weight if density is None else thinned_weights(weight, density)
        yield weighted(name, weight, (rows, columns), math.prod(shape) // len(weight), PARAMETER_BITS * len(weight))


def _constants(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """Tensors by name: initializers, and what Constant nodes have as a tensor."""
    found = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.domain == "" and "value" in (values := _values(node)):
            found[node.output[0]] = values["value"]
    return found


def _values(node: onnx.NodeProto) -> dict:
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


def _origin(name: str, makers: dict[str, onnx.NodeProto]) -> str:
    """The tensor from which one comes through nodes that leave its zeros where they are."""
    while name in makers and makers[name].op_type in SAME:
        name = makers[name].input[0]
    return name


def _weight(node: onnx.NodeProto, name: str, constants: dict[str, onnx.TensorProto],
            makers: dict[str, onnx.NodeProto]) -> np.ndarray:
    """The constant that a node multiplies by, itself or behind what leaves its zeros where they are."""
    name = _origin(name, makers)
    if name in constants:
        return numpy_helper.to_array(constants[name])
    if name in makers and makers[name].op_type == "Transpose":
        order = _values(makers[name]).get("perm")
        return _weight(node, makers[name].input[0], constants, makers).transpose(order)
    raise ModelError(label(node), "multiplies by what is no constant", hint="weights that are constants are possible")


def _rounded(weight: np.ndarray) -> np.ndarray:
    """Weights as int8, a scale for each output channel; what is int8 already is left as it is."""
    if weight.dtype == np.int8:
        return np.ascontiguousarray(weight)
    result = np.empty(weight.shape, np.int8)
    step = max(BLOCK // max(weight[0].size, 1), 1)
    for first in range(0, len(weight), step):
        part = np.asarray(weight[first:first + step], np.float32)
        largest = np.abs(part).max(axis=(1, 2), keepdims=True)
        result[first:first + step] = np.rint(part * (STEPS / np.maximum(largest, np.finfo(np.float32).tiny)))
    return result
