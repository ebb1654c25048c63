"""Reading an ONNX file as a quantized graph.

Read are graphs with QuantizeLinear and DequantizeLinear around each operator, as
`onnxruntime.quantization.quantize_static` writes them (QDQ), and graphs of QLinear operators (QOperator). `values` says
how the one pass over the nodes works; `compiler.passes` then cleans up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Sequence
from pathlib import Path

import onnx

from firelane.compiler.ir.graph import HOST_OPERATORS, PIXEL_MAX, Graph, Tensor
from firelane.compiler.ir.limits import size_problem
from firelane.compiler.ir.verify import verify
from firelane.compiler.onnx_import import (
    channel_scale,
    constants,
    layout,
    maximum,
    operators,
    qdq,
    selection,
    shapes,
    stored,
    weighted,
)
from firelane.compiler.onnx_import.activations import ALONE, WAY_OUT, refused
from firelane.compiler.onnx_import.builder import Builder
from firelane.compiler.onnx_import.heads import HEADS
from firelane.compiler.onnx_import.node_view import BrokenInputError, NodeView
from firelane.compiler.onnx_import.problems import ModelErrors
from firelane.compiler.onnx_import.qoperator import QOPERATORS
from firelane.compiler.onnx_import.reader import (
    InputMap,
    Source,
    label,
    read_constant,
    read_input,
    read_output,
    read_source,
    type_name,
)
from firelane.compiler.onnx_import.standard import StandardErrors, admitted, opset_of, shapes_of
from firelane.compiler.onnx_import.values import (
    AnyConstant,
    Broken,
    Constant,
    FloatInput,
    Hosted,
    Lazy,
    Real,
    Selected,
    Stored,
    Target,
    Value,
)
from firelane.compiler.passes import PIPELINE, Pass, run_passes
from firelane.compiler.support.errors import ModelError

CHANNELS_LAST = "firelane.channels_last"             # metadata key: names of tensors (JSON) that the ONNX file has so

OPERATORS: dict[str, Callable[[NodeView], Value | tuple[Value, ...]]] = {        # several for several outputs
    "QuantizeLinear": qdq.quantize_linear, "DequantizeLinear": qdq.dequantize_linear,
    "Conv": weighted.conv, "Gemm": weighted.gemm, "MatMul": weighted.matmul,
    "Relu": operators.relu, "Clip": operators.clip, "Add": operators.add, "Concat": operators.concat,
    "Mul": channel_scale.mul, "Div": channel_scale.div, "Sub": channel_scale.sub,
    "LeakyRelu": maximum.leaky_relu, "PRelu": maximum.prelu, "Max": maximum.largest, "Min": maximum.smallest,
    "MaxPool": operators.max_pool, "AveragePool": operators.average_pool, "ReduceMean": operators.reduce_mean,
    "GlobalAveragePool": operators.global_average_pool,
    "Identity": shapes.identity, "Dropout": shapes.identity, "Flatten": shapes.flatten, "Reshape": shapes.reshape,
    "Squeeze": shapes.squeeze, "Unsqueeze": shapes.unsqueeze, "Transpose": layout.transpose, "Cast": stored.cast,
    "Sum": operators.sum_of_all, "Split": selection.split, "Slice": selection.take_slice, "Gather": selection.gather,
    "Constant": constants.constant, "Shape": constants.shape, **HEADS, **QOPERATORS,
}

_STATIC = "quantize it statically, from the float model: firelane quantize MODEL --calib IMAGES -o QUANTIZED"
HINTS = {
    **dict.fromkeys(ALONE, WAY_OUT),
    "BatchNormalization": "quantize the float model with firelane quantize, or write it as Mul and Add of constants",
    "ConvInteger": _STATIC,
    "DynamicQuantizeLinear": _STATIC,
}


def load_graph(source: Source, passes: Sequence[Pass] = PIPELINE) -> Graph:
    """The verified graph of an ONNX file, or of a model in memory, cleaned up by `passes`.

    Its metadata are the model's, and `HOST_OPERATORS` where a Softmax at the end was left out.

    Raises
    ------
    ModelErrors
        With every problem found, in the order of the graph.
    """
    try:
        return graph_of(*read_source(source), passes)
    except ModelErrors:
        raise
    except ModelError as error:
        raise ModelErrors([error]) from None


def graph_of(model: onnx.ModelProto, path: Path, passes: Sequence[Pass] = PIPELINE) -> Graph:
    """The graph, as `load_graph` gives it, of a model that has been read; `path` is what messages call it.

    Raises
    ------
    ModelError
        `ModelErrors` if there may be several.
    """
    return run_passes(import_graph(model, path), passes)


def import_graph(model: onnx.ModelProto, path: Path) -> Graph:
    """The graph as the model has it, before any pass."""
    _refuse_float(model.graph, path)
    try:
        model = admitted(model, path)
    except StandardErrors as several:
        raise ModelErrors(several.problems) from None
    activations = refused(model.graph)
    problems = [*activations.problems, *_unsupported(model.graph, activations.tensors)]
    try:
        source, output = read_input(model.graph), read_output(model.graph)
        values = {"": Broken(), **_constants(model.graph, problems), source.name: _input_value(source)}
    except ModelError as error:
        raise ModelErrors([*problems, error]) from None
    problems += _own_metadata(model)
    builder = Builder(source.name, {name for node in model.graph.node for name in node.input} | {output})
    builder.channels_last |= {source.name} if source.last else set()
    _read_nodes(model, values, builder, problems, activations.tensors)
    _check_output(output, values, builder, problems)
    if problems:
        raise ModelErrors(problems)
    result = _stored(values[output])
    assert builder.input_tensor is not None and result is not None, "a graph without problems has both"
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    if builder.channels_last:
        metadata[CHANNELS_LAST] = json.dumps(sorted(builder.channels_last))
    if builder.host_operators:
        metadata[HOST_OPERATORS] = ",".join(builder.host_operators)
    graph = Graph(model.graph.name or path.stem, tuple(builder.nodes), builder.tensors, builder.input_tensor.name,
                  result.name, metadata)
    return verify(graph, after="import")


def _own_metadata(model: onnx.ModelProto) -> list[ModelError]:
    """Entries by which the importer says what it found: in a file they would count in place of that."""
    return [ModelError(f"metadata {entry.key}", "is in the file, but only the compiler may say it", hint="take it out")
            for entry in model.metadata_props if entry.key in (HOST_OPERATORS, CHANNELS_LAST)]


def _refuse_float(graph: onnx.GraphProto, path: Path) -> None:
    """Refuse a float model as a whole, in place of each of its layers."""
    kinds = {node.op_type for node in graph.node}
    quantized = any(kind in QOPERATORS or "quantize" in kind.lower() or kind.endswith("Integer") for kind in kinds)
    if kinds & {"Conv", "Gemm", "MatMul"} and not quantized:
        raise ModelError(str(path), "a float model, the engine computes with integers",
                         hint="quantize it first: firelane quantize MODEL --calib IMAGES -o QUANTIZED")


def refuse_unsupported(graph: onnx.GraphProto, also: Container[str] = ()) -> None:
    """Refuse a model with operators that the engine does not have, those in `also` excepted.

    Raises
    ------
    ModelErrors
        With all of them.
    """
    activations = refused(graph)
    problems = [*activations.problems, *_unsupported(graph, activations.tensors, also)]
    if problems:
        raise ModelErrors(problems)


def _unsupported(graph: onnx.GraphProto, reported: Container[str], also: Container[str] = ()) -> list[ModelError]:
    """What no reader is for; not what is reported by the name of what it makes, and not operators in `also`."""
    known = OPERATORS.keys() | constants.FOLDABLE
    named = ", ".join(sorted(OPERATORS.keys() - QOPERATORS.keys()))
    return [ModelError(label(node), "the engine has no such operator",
                       hint=HINTS.get(node.op_type, f"there are {named}"))
            for node in graph.node if node.op_type not in known and node.op_type not in also
            and not any(name in reported for name in node.output)]


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
    if source.element_type == onnx.TensorProto.FLOAT:
        return FloatInput(source.dims, source.shape, source.last)
    if source.element_type in (onnx.TensorProto.UINT8, onnx.TensorProto.INT8):
        return Stored(source.dims, source.shape, None, source.element_type == onnx.TensorProto.INT8, source.last)
    raise ModelError(f"input {source.name}", f"is {type_name(source.element_type)}",
                     hint="float32, uint8 and int8 are possible")


def _read_nodes(model: onnx.ModelProto, values: dict[str, Value], builder: Builder, problems: list[ModelError],
                reported: set[str]) -> None:
    """Fill `values`, `builder` and `problems`; a problem's node and all that depends on it are `Broken`.

    `reported` are tensors whose makers are in a problem already.
    """
    shapes, opset = shapes_of(model), opset_of(model)
    folder = constants.Folder(opset)
    results = {value.name for value in model.graph.output}
    for node in model.graph.node:
        values.update((name, Broken()) for name in node.output)
        if reported.intersection(node.output):
            continue
        try:
            view = NodeView(node, values, builder, opset)
            found = _read_node(view, folder)
            for name, made in zip(node.output, found if isinstance(found, tuple) else (found,)):
                value = _of_right_shape(view, name, made, shapes)
                values[name] = view.written(value) if isinstance(value, Selected) and name in results else value
        except ModelError as error:
            problems.append(error)
        except BrokenInputError:
            pass
        result = values[node.output[0]] if node.output else None
        if isinstance(result, Stored) and result.last and result.tensor and result.tensor.name == node.output[0]:
            builder.channels_last.add(node.output[0])


def _of_right_shape(view: NodeView, name: str, value: Value, shapes: dict[str, tuple[int, ...]]) -> Value:
    """The value, if it has the shape that ONNX infers for it and is not larger than any engine's."""
    wanted = shapes.get(name)
    if wanted is not None and not isinstance(value, Broken) and value.shape != wanted:
        raise view.problem(f"is read as shape {list(value.shape)}, but has shape {list(wanted)}",
                           "export with (1, channels, rows, columns) throughout")
    too_large = "" if isinstance(value, AnyConstant | Broken) else size_problem(value.dims)
    if too_large:
        raise view.problem(f"makes {too_large}")
    return value


def _read_node(view: NodeView, folder: constants.Folder) -> Value | tuple[Value, ...]:
    if not view.node.output or not view.node.output[0]:
        raise view.problem("makes nothing", "export the model again")
    for name in view.node.input:
        values_of_name = view.values.get(name)
        if values_of_name is None:
            raise BrokenInputError
    folded = folder.fold(view)
    if folded is not None:
        return folded
    if view.node.op_type not in OPERATORS:
        if view.node.op_type in constants.FOLDABLE:
            raise view.problem("works on a feature map", HINTS.get(view.node.op_type, "only on constants is possible"))
        raise BrokenInputError                           # reported by `_unsupported`
    return OPERATORS[view.node.op_type](view)


def _check_output(output: str, values: dict[str, Value], builder: Builder, problems: list[ModelError]) -> None:
    value = values.get(output)
    if isinstance(value, Lazy) and value.natural and not problems:
        tensor = value.write(Target(output, value.natural, 0, PIXEL_MAX))
        value = values[output] = Real(value.dims, value.shape, tensor, value.last)
    stored_in = None if value is None else _stored(value)
    if value is None or isinstance(value, Broken):
        if not problems:
            problems.append(ModelError(f"output {output}", "nothing computes it", hint="export the model again"))
    elif isinstance(value, FloatInput) or (isinstance(value, Stored) and stored_in is None) or (
            stored_in is not None and stored_in is builder.input_tensor):
        problems.append(ModelError(f"output {output}", "is the input itself", hint="there is nothing to compute"))
    elif stored_in is None:
        problems.append(ModelError(f"output {output}", "is not quantized", hint="quantize the whole network: "
                                   "firelane quantize MODEL --calib IMAGES -o QUANTIZED adds what is missing"))


def _stored(value: Value) -> Tensor | None:
    """The IR tensor that holds `value`, None if there is none."""
    value = value.value if isinstance(value, Hosted) else value
    return value.tensor if isinstance(value, Real | Stored) else None
