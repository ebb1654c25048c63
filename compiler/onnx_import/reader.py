"""An ONNX file as a list of nodes in order; each problem of the container itself is said in one line."""

from __future__ import annotations

import errno
import heapq
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError, Message
from onnx import numpy_helper

from firelane.compiler.ir.limits import ELEMENTS_MAX, FILE_BYTES_MAX, size_problem
from firelane.compiler.support.errors import ModelError
from firelane.compiler.support.files import read_file
from firelane.compiler.support.model_files import OTHER_KINDS
from firelane.compiler.support.near import near

Source = str | Path | onnx.ModelProto  # where a model is
AS_DATA = "keep the weights beside it: onnx.save(onnx.load(FILE), NEW, save_as_external_data=True)"
TO_FIRST = (0, 3, 1, 2)                # the Transpose from (1, rows, columns, channels)
_PASSES = frozenset({"QuantizeLinear", "DequantizeLinear", "Identity", "Cast", "Sub", "Add", "Mul", "Div"})


@dataclass(frozen=True)
class InputMap:
    """The one input of the graph."""

    name: str
    element_type: int                  # onnx.TensorProto.DataType
    dims: tuple[int, int, int]         # channels, height, width
    last: bool = False                 # its shape is (1, height, width, channels)

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, *self.dims[1:], self.dims[0]) if self.last else (1, *self.dims)


def read_source(source: Source, most: int = FILE_BYTES_MAX) -> tuple[onnx.ModelProto, Path]:
    """The model of a file of at most so many bytes, or a copy of one in memory; and what messages call it.

    Raises
    ------
    ModelError
        If the file cannot be read.
    """
    if isinstance(source, onnx.ModelProto):
        copy = onnx.ModelProto()
        copy.CopyFrom(source)
        return copy, Path(source.graph.name or "model")
    return read_model(Path(source), most), Path(source)


def read_model(path: Path, most: int = FILE_BYTES_MAX) -> onnx.ModelProto:
    """The parsed file, external data loaded."""
    try:
        model = onnx.load_model_from_string(read_file(path, most))
    except (OSError, DecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not an ONNX file, or a damaged one"
        too_large = isinstance(error, OSError) and error.errno == errno.EFBIG
        raise ModelError(str(path), reason or "cannot be read", hint=AS_DATA if too_large else _meant(path)) from None
    if not _is_text(model):
        raise ModelError(str(path), "a name in it is not text", hint="the file is damaged")
    if not model.HasField("graph") or not model.graph.node:
        raise ModelError(str(path), "no graph in it", hint="the file is empty, truncated or not ONNX")
    try:
        onnx.external_data_helper.load_external_data_for_model(model, str(path.parent))
    except (OSError, RuntimeError, onnx.checker.ValidationError, ValueError, TypeError) as error:
        raise ModelError(str(path), f"external data is missing or damaged ({one_line(error)})",
                         hint="keep the data file beside the model, or save the model as one file") from None
    return model


def _meant(path: Path) -> str:
    """What to do where this file is no model: take one beside it whose name is like this one's, if it is not there."""
    there = [] if os.path.lexists(path) else near(path.stem, (file.stem for file in path.parent.glob("*.onnx")))
    names = " or ".join(str(path.with_name(f"{stem}.onnx")) for stem in there)
    return f"did you mean {names}?" if names else OTHER_KINDS.get(path.suffix.lower(), "give the path of an .onnx file")


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


def type_name(kind: int) -> str:
    """How messages spell an `onnx.TensorProto.DataType`: float32, float16, uint8, ..."""
    try:
        return onnx.helper.tensor_dtype_to_np_dtype(kind).name
    except (KeyError, TypeError, ValueError):
        return f"of the unknown type {kind}"


def is_integer(dtype: np.dtype) -> bool:
    """Whether constants of this type are whole numbers; NumPy itself does not know those of 4 and 2 bits."""
    return dtype.kind in "iu" or dtype.name in ("int4", "uint4", "int2", "uint2")


def read_constant(tensor: onnx.TensorProto) -> np.ndarray:
    """The values of an initializer."""
    if any(size < 0 for size in tensor.dims) or np.prod(tensor.dims, dtype=object) > ELEMENTS_MAX:
        raise ModelError(f"initializer {tensor.name}", f"shape {list(tensor.dims)} is impossible")
    try:
        return np.array(numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError, AttributeError, onnx.checker.ValidationError) as error:
        raise ModelError(f"initializer {tensor.name}", f"cannot be read ({one_line(error)})",
                         hint="the file is damaged") from None


def read_input(graph: onnx.GraphProto, *, limited: bool = True) -> InputMap:
    """The input of the graph, initializers not counted; of any size if it is not `limited`."""
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
    batch, *rest = sizes
    if isinstance(batch, int) and batch != 1:
        raise ModelError(where, f"batch of {batch}", hint="export with batch 1 or a symbolic batch")
    if not all(isinstance(size, int) and size >= 1 for size in rest):
        raise ModelError(where, f"shape {sizes} is not fixed", hint="export with fixed channels, height and width, or "
                         "run onnxruntime.tools.make_dynamic_shape_fixed")
    last = _is_channels_last(graph, inputs[0].name, sizes)
    dims = (rest[2], rest[0], rest[1]) if last else (rest[0], rest[1], rest[2])
    if limited and (problem := size_problem(dims)):
        raise ModelError(where, f"shape {sizes}: {problem}")
    return InputMap(inputs[0].name, tensor_type.elem_type, dims, last)


def _is_channels_last(graph: onnx.GraphProto, name: str, sizes: list) -> bool:
    """Whether a Transpose to channels first, or for one channel a Reshape, follows the input, quantized or not."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for source in dict.fromkeys(node.input):
            readers.setdefault(source, []).append(node)
    seen = set()
    while len(readers.get(name, ())) == 1 and name not in seen:
        node = readers[name][0]
        seen.add(name)
        if node.op_type == "Transpose":
            return next((tuple(attribute.ints) for attribute in node.attribute if attribute.name == "perm"), ()) == \
                TO_FIRST
        if node.op_type == "Reshape":
            return sizes[3] == 1 and sizes[1] != 1
        if node.op_type not in _PASSES or not node.output:
            return False
        name = node.output[0]
    return False


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
    ordered, left = _sorted(graph, known)
    if left:
        problems.append(ModelError(label(left[0]), f"is in a cycle with {len(left) - 1} other nodes, or depends on one",
                                   hint="a feed-forward graph is needed"))
    return ordered, problems


def _sorted(graph: onnx.GraphProto, known: set[str]) -> tuple[list[onnx.NodeProto], list[onnx.NodeProto]]:
    """The nodes in order, as near to the file's own as can be, and those that cannot be put in order."""
    waiting = [set(node.input) - known for node in graph.node]
    readers: dict[str, list[int]] = {}
    for index, names in enumerate(waiting):
        for name in names:
            readers.setdefault(name, []).append(index)
    ready = [index for index, names in enumerate(waiting) if not names]
    order: list[int] = []
    while ready:
        index = heapq.heappop(ready)
        order.append(index)
        for name in graph.node[index].output:
            for reader in readers.get(name, ()):
                waiting[reader].discard(name)
                if not waiting[reader]:
                    heapq.heappush(ready, reader)
            readers.pop(name, None)
    placed = set(order)
    nodes = list(graph.node)
    return [nodes[index] for index in order], [node for index, node in enumerate(nodes) if index not in placed]


def _duplicates(graph: onnx.GraphProto) -> list[ModelError]:
    outputs = Counter(name for node in graph.node for name in node.output if name)
    outputs.update({value.name for value in graph.input} | {tensor.name for tensor in graph.initializer})
    return [ModelError(f"tensor {name}", f"is made {count} times", hint="names of tensors must be unique")
            for name, count in outputs.items() if count > 1]
