"""Reading an ONNX file as a quantized graph.

Read are graphs with QuantizeLinear and DequantizeLinear around each operator, as
`onnxruntime.quantization.quantize_static` writes them (QDQ), and graphs of QLinear operators (QOperator). `values` says
how the one pass over the nodes works; `compiler.passes` then cleans up.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx

from firelane.compiler.ir.graph import Graph, Tensor
from firelane.compiler.ir.verify import verify
from firelane.compiler.onnx_import import channel_scale, constants, operators, qdq, shapes, weighted
from firelane.compiler.onnx_import.builder import Builder
from firelane.compiler.onnx_import.node_view import BrokenInputError, NodeView
from firelane.compiler.onnx_import.problems import ModelErrors
from firelane.compiler.onnx_import.qoperator import QOPERATORS
from firelane.compiler.onnx_import.reader import (
    InputMap,
    Source,
    label,
    order_nodes,
    read_constant,
    read_input,
    read_output,
    read_source,
)
from firelane.compiler.onnx_import.values import Broken, Constant, FloatInput, Hosted, Real, Stored, Value
from firelane.compiler.passes import run_passes
from firelane.compiler.support.errors import ModelError

HOST_OPERATORS = "firelane.host_operators"           # metadata key: what the host has to do after the network

OPERATORS: dict[str, Callable[[NodeView], Value]] = {
    "QuantizeLinear": qdq.quantize_linear, "DequantizeLinear": qdq.dequantize_linear,
    "Conv": weighted.conv, "Gemm": weighted.gemm, "MatMul": weighted.matmul,
    "Relu": operators.relu, "Clip": operators.clip, "Add": operators.add, "Concat": operators.concat,
    "Mul": channel_scale.mul,
    "MaxPool": operators.max_pool, "AveragePool": operators.average_pool, "ReduceMean": operators.reduce_mean,
    "GlobalAveragePool": operators.global_average_pool,
    "Identity": shapes.identity, "Dropout": shapes.identity, "Flatten": shapes.flatten, "Reshape": shapes.reshape,
    "Squeeze": shapes.squeeze, "Unsqueeze": shapes.unsqueeze, "Softmax": shapes.softmax, "LogSoftmax": shapes.softmax,
    "Constant": constants.constant, "Shape": constants.shape, **QOPERATORS,
}

HINTS = {
    "BatchNormalization": "fold it into the Conv before quantization (onnxruntime.quantization.shape_inference."
                          "quant_pre_process), or write it as Mul and Add of constants",
    "Transpose": "export with (1, channels, rows, columns) throughout",
    "ConvInteger": "quantize with quantize_static, not quantize_dynamic",
    "DynamicQuantizeLinear": "quantize with quantize_static, not quantize_dynamic",
}


def load_graph(source: Source) -> Graph:
    """The verified, cleaned-up graph of an ONNX file, or of a model in memory.

    Its metadata are the model's, and `HOST_OPERATORS` where a Softmax at the end was left out.

    Raises
    ------
    ModelErrors
        With every problem found, in the order of the graph.
    """
    try:
        return graph_of(*read_source(source))
    except ModelErrors:
        raise
    except ModelError as error:
        raise ModelErrors([error]) from None


def graph_of(model: onnx.ModelProto, path: Path) -> Graph:
    """The graph, as `load_graph` gives it, of a model that has been read; `path` is what messages call it.

    Raises
    ------
    ModelError
        `ModelErrors` if there may be several.
    """
    return run_passes(import_graph(model, path))


def import_graph(model: onnx.ModelProto, path: Path) -> Graph:
    """The graph as the model has it, before any pass."""
    _refuse_float(model.graph, path)
    nodes, problems = order_nodes(model.graph)
    problems += _unsupported(model.graph)
    try:
        source, output = read_input(model.graph), read_output(model.graph)
        values = {"": Broken(), **_constants(model.graph, problems), source.name: _input_value(source)}
    except ModelError as error:
        raise ModelErrors([*problems, error]) from None
    builder = Builder(source.name, {name for node in model.graph.node for name in node.input} | {output})
    opset = max([entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")], default=1)
    _read_nodes(nodes, values, builder, opset, problems)
    _check_output(output, values, problems)
    if problems:
        raise ModelErrors(problems)
    result = _stored(values[output])
    assert builder.input_tensor is not None and result is not None, "a graph without problems has both"
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    if builder.host_operators:
        metadata[HOST_OPERATORS] = ",".join(builder.host_operators)
    graph = Graph(model.graph.name or path.stem, tuple(builder.nodes), builder.tensors, builder.input_tensor.name,
                  result.name, metadata)
    return verify(graph, after="import")


def _refuse_float(graph: onnx.GraphProto, path: Path) -> None:
    """Refuse a float model as a whole, in place of each of its layers."""
    kinds = {node.op_type for node in graph.node}
    quantized = any(kind in QOPERATORS or "quantize" in kind.lower() or kind.endswith("Integer") for kind in kinds)
    if kinds & {"Conv", "Gemm", "MatMul"} and not quantized:
        raise ModelError(str(path), "a float model, the engine computes with integers",
                         hint="quantize it first: firelane quantize MODEL --calib IMAGES -o QUANTIZED")


def _unsupported(graph: onnx.GraphProto) -> list[ModelError]:
    known = OPERATORS.keys() | constants.FOLDABLE
    named = ", ".join(sorted(OPERATORS.keys() - QOPERATORS.keys()))
    return [ModelError(label(node), "the engine has no such operator",
                       hint=HINTS.get(node.op_type, f"there are {named}"))
            for node in graph.node if node.op_type not in known]


def _constants(graph: onnx.GraphProto, problems: list[ModelError]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for sparse in graph.sparse_initializer:
        problems.append(ModelError(f"initializer {sparse.values.name}", "is sparse", hint="store it dense"))
        values[sparse.values.name] = Broken()
    for tensor in graph.initializer:
        try:
            values[tensor.name] = Constant(read_constant(tensor))
        except ModelError as error:
            problems.append(error)
            values[tensor.name] = Broken()
    return values


def _input_value(source: InputMap) -> Value:
    shape = (1, *source.dims)
    if source.element_type == onnx.TensorProto.FLOAT:
        return FloatInput(source.dims, shape)
    if source.element_type in (onnx.TensorProto.UINT8, onnx.TensorProto.INT8):
        return Stored(source.dims, shape, None, source.element_type == onnx.TensorProto.INT8)
    raise ModelError(f"input {source.name}", f"element type {source.element_type} (onnx.TensorProto.DataType)",
                     hint="float32, uint8 and int8 are possible")


def _read_nodes(nodes: list[onnx.NodeProto], values: dict[str, Value], builder: Builder, opset: int,
                problems: list[ModelError]) -> None:
    """Fill `values`, `builder` and `problems`; a problem's node and all that depends on it are `Broken`."""
    for node in nodes:
        result: Value = Broken()
        try:
            result = _read_node(NodeView(node, values, builder), opset)
        except ModelError as error:
            problems.append(error)
        except BrokenInputError:
            pass
        for index, name in enumerate(node.output):
            values[name] = result if index == 0 else Broken()


def _read_node(view: NodeView, opset: int) -> Value:
    if not view.node.output or not view.node.output[0]:
        raise view.problem("makes nothing", "export the model again")
    for name in view.node.input:
        values_of_name = view.values.get(name)
        if values_of_name is None:
            raise BrokenInputError
    folded = constants.fold(view, opset)
    if folded is not None:
        return folded
    if view.node.op_type not in OPERATORS:
        if view.node.op_type in constants.FOLDABLE:
            raise view.problem("works on a feature map", HINTS.get(view.node.op_type, "only on constants is possible"))
        raise BrokenInputError                           # reported by `_unsupported`
    return OPERATORS[view.node.op_type](view)


def _check_output(output: str, values: dict[str, Value], problems: list[ModelError]) -> None:
    value = values.get(output)
    if value is None or isinstance(value, Broken):
        if not problems:
            problems.append(ModelError(f"output {output}", "nothing computes it", hint="export the model again"))
    elif _stored(value) is None:
        problems.append(ModelError(f"output {output}", "is not quantized", hint="quantize the whole network: its last "
                                   "layer needs a QuantizeLinear after it"))
    elif not problems and isinstance(value, Stored) and value.tensor is None:
        problems.append(ModelError(f"output {output}", "is the input itself"))


def _stored(value: Value) -> Tensor | None:
    """The IR tensor that holds `value`, None if there is none."""
    value = value.value if isinstance(value, Hosted) else value
    return value.tensor if isinstance(value, Real | Stored) else None
