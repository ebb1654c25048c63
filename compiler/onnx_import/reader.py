"""An ONNX file as a list of nodes in order; each problem of the container itself is said in one line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError, Message
from onnx import numpy_helper

from firelane.compiler.support.errors import ModelError

SIDE_MAX = 1 << 13                     # rows, columns of the input
CHANNELS_MAX = 1 << 12
ELEMENTS_MAX = 1 << 27                 # of an initializer
Source = str | Path | onnx.ModelProto  # where a model is


@dataclass(frozen=True)
class InputMap:
    """The one input of the graph."""

    name: str
    element_type: int                  # onnx.TensorProto.DataType
    dims: tuple[int, int, int]         # channels, height, width


def read_source(source: Source) -> tuple[onnx.ModelProto, Path]:
    """The model of a file, or a copy of one in memory; and what messages call it.

    Raises
    ------
    ModelError
        If the file cannot be read.
    """
    if isinstance(source, onnx.ModelProto):
        copy = onnx.ModelProto()
        copy.CopyFrom(source)
        return copy, Path(source.graph.name or "model")
    return read_model(Path(source)), Path(source)


def read_model(path: Path) -> onnx.ModelProto:
    """The parsed file, external data loaded."""
    try:
        model = onnx.load_model(str(path), format="protobuf", load_external_data=False)
    except (OSError, DecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not an ONNX file, or a damaged one"
        raise ModelError(str(path), reason or "cannot be read", hint="give the path of an .onnx file") from None
    if not _is_text(model):
        raise ModelError(str(path), "a name in it is not text", hint="the file is damaged")
    if not model.HasField("graph") or not model.graph.node:
        raise ModelError(str(path), "no graph in it", hint="the file is empty, truncated or not ONNX")
    try:
        onnx.external_data_helper.load_external_data_for_model(model, str(path.parent))
    except (OSError, onnx.checker.ValidationError, ValueError, TypeError) as error:
        raise ModelError(str(path), f"external data is missing or damaged ({one_line(error)})",
                         hint="keep the data file beside the model, or save the model as one file") from None
    return model


def _is_text(message: Message) -> bool:
    """Whether all strings in it are UTF-8; protobuf hands out those that are not as bytes."""
    for field, value in message.ListFields():
        values = [value] if isinstance(value, str | bytes | Message) or not hasattr(value, "__len__") else value
        if field.type == field.TYPE_MESSAGE and not all(map(_is_text, values)):
            return False
        if field.type == field.TYPE_STRING and not all(isinstance(item, str) for item in values):
            return False
    return True


def one_line(error: Exception) -> str:
    """The first line of a foreign error's message, shortened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:160]


def label(node: onnx.NodeProto) -> str:
    """The node as messages name it: its name, or else its output, and its type."""
    name = node.name or next(iter(node.output), "") or "unnamed"
    return f"{name} ({node.op_type})"


def read_constant(tensor: onnx.TensorProto) -> np.ndarray:
    """The values of an initializer."""
    if any(size < 0 for size in tensor.dims) or np.prod(tensor.dims, dtype=object) > ELEMENTS_MAX:
        raise ModelError(f"initializer {tensor.name}", f"shape {list(tensor.dims)} is impossible")
    try:
        return np.array(numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError, AttributeError, onnx.checker.ValidationError) as error:
        raise ModelError(f"initializer {tensor.name}", f"cannot be read ({one_line(error)})",
                         hint="the file is damaged") from None


def read_input(graph: onnx.GraphProto) -> InputMap:
    """The input of the graph, initializers not counted."""
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        raise ModelError(f"graph {graph.name}", f"{len(inputs)} inputs ({', '.join(v.name for v in inputs)})",
                         hint="exactly one image input is possible")
    where, tensor_type = f"input {inputs[0].name}", inputs[0].type.tensor_type
    sizes: list[Any] = [dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?"
                        for dim in tensor_type.shape.dim]
    if len(sizes) != 4:
        raise ModelError(where, f"shape {sizes}", hint="wanted: (1, channels, height, width)")
    batch, channels, height, width = sizes
    if isinstance(batch, int) and batch > 1:
        raise ModelError(where, f"batch of {batch}", hint="export with batch 1 or a symbolic batch")
    if not all(isinstance(size, int) and size >= 1 for size in (channels, height, width)):
        raise ModelError(where, f"shape {sizes} is not fixed", hint="export with fixed channels, height and width, or "
                         "run onnxruntime.tools.make_dynamic_shape_fixed")
    if channels > CHANNELS_MAX or max(height, width) > SIDE_MAX:
        raise ModelError(where, f"shape {sizes} is too large",
                         hint=f"at most {CHANNELS_MAX} channels and {SIDE_MAX} rows and columns")
    return InputMap(inputs[0].name, tensor_type.elem_type, (channels, height, width))


def read_output(graph: onnx.GraphProto) -> str:
    """The name of the graph's one output."""
    if len(graph.output) != 1:
        raise ModelError(f"graph {graph.name}", f"{len(graph.output)} outputs "
                         f"({', '.join(value.name for value in graph.output)})", hint="exactly one is possible")
    return graph.output[0].name


def order_nodes(graph: onnx.GraphProto) -> tuple[list[onnx.NodeProto], list[ModelError]]:
    """The nodes so that each reads what comes before it, and what is wrong with their connections.

    Nodes of a cycle, and those that depend on them, are left out.
    """
    problems = _duplicates(graph)
    made = {name for node in graph.node for name in node.output if name}
    known = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer} | {""}
    known |= {tensor.values.name for tensor in graph.sparse_initializer}
    for node in graph.node:
        for name in sorted(set(node.input) - made - known):
            problems.append(ModelError(label(node), f"reads {name}, which nothing makes",
                                       hint="export the model again"))
            known.add(name)
    for value in graph.output:
        if value.name not in made | known:
            problems.append(ModelError(f"output {value.name}", "nothing makes it", hint="export the model again"))
    ordered: list[onnx.NodeProto] = []
    waiting = list(graph.node)
    while waiting:
        ready: list[onnx.NodeProto] = []
        later: list[onnx.NodeProto] = []
        for node in waiting:
            (ready if known.issuperset(node.input) else later).append(node)
            if ready and ready[-1] is node:
                known.update(node.output)
        if not ready:
            problems.append(ModelError(label(waiting[0]), f"is in a cycle with {len(waiting) - 1} other nodes, or "
                                       "depends on one", hint="a feed-forward graph is needed"))
            break
        ordered, waiting = ordered + ready, later
    return ordered, problems


def _duplicates(graph: onnx.GraphProto) -> list[ModelError]:
    outputs = Counter(name for node in graph.node for name in node.output if name)
    outputs.update({value.name for value in graph.input} | {tensor.name for tensor in graph.initializer})
    return [ModelError(f"tensor {name}", f"is made {count} times", hint="names of tensors must be unique")
            for name, count in outputs.items() if count > 1]
