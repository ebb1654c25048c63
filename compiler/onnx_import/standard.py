"""Is a file what the ONNX standard allows? Asked before anything is read from it.

`admitted` gives the model in the one form that the rest of the front end reads: functions written out, nodes in order,
a batch of 1, every name of the standard's own domain spelled "", and the shapes that ONNX's own inference finds.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import onnx.inliner
from onnx import AttributeProto, TensorProto, numpy_helper

from firelane.compiler.ir import limits
from firelane.compiler.onnx_import.propagated import check_folded, worth_propagating
from firelane.compiler.onnx_import.reader import (
    label,
    one_line,
    order_nodes,
    read_constant,
    read_input,
    read_output,
    type_name,
)
from firelane.compiler.support.errors import ModelError

OPSET_MIN, OPSET_MAX = 7, onnx.defs.onnx_opset_version()
STANDARD, MICROSOFT = ("", "ai.onnx"), "com.microsoft"
FLOATS = frozenset({TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16})
_POOL = ("auto_pad", "ceil_mode", "channels_last", "count_include_pad", "kernel_shape", "pads", "strides")

# Operators of ONNX Runtime that are read, and the attributes that each has by its documentation.
MICROSOFT_OPERATORS: dict[str, tuple[str, ...]] = {
    "QuantizeLinear": ("axis",), "DequantizeLinear": ("axis",), "QGemm": ("alpha", "transA", "transB"),
    "QLinearAdd": (), "QLinearMul": (), "QLinearConcat": ("axis",), "QLinearAveragePool": _POOL, "QLinearSigmoid": (),
    "QLinearLeakyRelu": ("alpha",),
    "QLinearGlobalAveragePool": ("channels_last",), "QLinearSoftmax": ("axis", "opset"),
}

# What ONNX says: the place (op_type:Conv, node name: n4), or a context line Name: n4 OpType: Conv.
_PLACE = re.compile(r"\(op_type: ?(?P<type>\w+)(?:, node name: ?(?P<name>.*?))?\): ")
_CONTEXT = re.compile(r"Name: (?P<name>.*) OpType: (?P<type>\w+)")
_MARK = re.compile(r"\[\w+Error\] |Inference error\(s\): ")


def admitted(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """A copy of `model` in the form described above.

    Raises
    ------
    ModelError
        What breaks the standard, or is outside what is read of it; `StandardErrors` if there may be several.
    """
    _refuse_opsets(model)
    model = _written_out(model, str(path))
    limits.check_nodes(str(path), len(model.graph.node))
    _plain_domains(model)
    ordered, problems = order_nodes(model.graph)
    problems += _foreign_operators(model.graph)
    for read in (read_input, read_output):
        try:
            read(model.graph)
        except ModelError as error:
            problems.append(error)
    problems += _not_finite(model.graph) + _training(model.graph)
    if problems:
        raise StandardErrors(problems)
    del model.graph.node[:]
    model.graph.node.extend(ordered)
    _batch_of_one(model)
    return _checked(model, str(path))


class StandardErrors(ModelError):
    """Several problems at once, in `problems`."""

    def __init__(self, problems: list[ModelError]):
        super().__init__(problems[0].where, problems[0].found, hint=problems[0].hint)
        self.problems = problems


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators that the model is written in."""
    return max((entry.version for entry in model.opset_import if entry.domain in STANDARD), default=1)


def shapes_of(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor where inference found all of it."""
    found = {}
    for value in (*model.graph.value_info, *model.graph.output):
        kind = value.type.tensor_type
        if value.type.HasField("tensor_type") and kind.HasField("shape"):
            sizes = tuple(dim.dim_value if dim.HasField("dim_value") else -1 for dim in kind.shape.dim)
            if min(sizes, default=0) >= 0:
                found[value.name] = sizes
    return found


def _refuse_opsets(model: onnx.ModelProto) -> None:
    versions = {entry.version for entry in model.opset_import if entry.domain in STANDARD}
    possible = f"{OPSET_MIN} to {OPSET_MAX} are possible; export the model again"
    if not versions and any(node.domain in STANDARD for node in model.graph.node):
        raise ModelError("opset", "the model does not say which it uses", hint=possible)
    if len(versions) > 1:
        raise ModelError("opset", f"the model names {len(versions)}: {', '.join(map(str, sorted(versions)))}",
                         hint="one is possible")
    for version in versions:
        if not OPSET_MIN <= version <= OPSET_MAX:
            raise ModelError("opset", f"{version}", hint=possible)


def _written_out(model: onnx.ModelProto, where: str) -> onnx.ModelProto:
    """A copy whose model-local functions stand where they are called."""
    if not model.functions:
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        return copy
    limits.check_nodes(where, _nodes_written_out(model))
    try:
        model = onnx.inliner.inline_local_functions(model)
    except Exception as error:         # foreign code that meets a file of unknown origin
        raise ModelError(where, f"its functions cannot be written out ({one_line(error)})",
                         hint="export without functions") from None
    del model.functions[:]
    return model


def _nodes_written_out(model: onnx.ModelProto) -> int:
    """How many nodes there are when every function is written out; a function that calls itself is refused."""
    bodies = {(function.domain, function.name): function for function in model.functions}
    sizes: dict[tuple[str, str], int] = {}
    opened: set[tuple[str, str]] = set()
    stack = list(bodies)
    while stack:
        key = stack[-1]
        called = {(node.domain, node.op_type) for node in bodies[key].node} & bodies.keys()
        missing = [inner for inner in called if inner not in sizes]
        if key in sizes or not missing:
            stack.pop()
            sizes.setdefault(key, sum(sizes.get((node.domain, node.op_type), 1) for node in bodies[key].node))
            continue
        if key in opened and any(inner in opened for inner in missing):
            raise ModelError(f"function {key[1]}", "calls itself", hint="export without functions")
        opened.add(key)
        stack.extend(missing)
    return sum(sizes.get((node.domain, node.op_type), 1) for node in model.graph.node)


def _plain_domains(model: onnx.ModelProto) -> None:
    """Write ONNX's own domain as "" everywhere, in place."""
    for entry in model.opset_import:
        entry.domain = "" if entry.domain in STANDARD else entry.domain
    for node in model.graph.node:
        node.domain = "" if node.domain in STANDARD else node.domain
    if not any(entry.domain == MICROSOFT for entry in model.opset_import):
        model.opset_import.add(domain=MICROSOFT, version=1)            # ONNX Runtime takes it as said


def _foreign_operators(graph: onnx.GraphProto) -> list[ModelError]:
    """Nodes of other domains, and attributes that an operator of ONNX Runtime does not have."""
    problems = []
    for node in graph.node:
        if node.domain == "":
            continue
        known = MICROSOFT_OPERATORS.get(node.op_type) if node.domain == MICROSOFT else None
        if known is None:
            problems.append(ModelError(label(node), f"an operator of domain {node.domain}",
                                       hint=f"operators of ONNX, and {', '.join(sorted(MICROSOFT_OPERATORS))} of "
                                            f"{MICROSOFT}, are possible"))
            continue
        problems += [ModelError(label(node), f"attribute {attribute.name} is unknown to it",
                                hint=f"it has {', '.join(known) or 'none'}")
                     for attribute in node.attribute if attribute.name not in known]
    return problems


def _not_finite(graph: onnx.GraphProto) -> list[ModelError]:
    """Every constant and attribute with a NaN or an infinity in it; a bound of a Clip may be infinite."""
    bounds = {name for node in graph.node if node.op_type == "Clip" for name in node.input[1:]}
    problems = []
    for tensor in graph.initializer:
        bad = _bad_values(tensor, tensor.name in bounds)
        if bad:
            problems.append(ModelError(f"initializer {tensor.name}", bad, hint="train or export the model again"))
    for node in graph.node:
        infinite = node.op_type == "Clip" or bool(bounds.intersection(node.output))
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                bad = _bad_values(attribute.t, infinite)
            else:
                bad = _bad_numbers(np.array([attribute.f, *attribute.floats]), infinite)
            if bad:
                problems.append(ModelError(label(node), f"attribute {attribute.name}: {bad}",
                                           hint="train or export the model again"))
    return problems


def _bad_values(tensor: onnx.TensorProto, infinite: bool) -> str:
    if tensor.data_type not in FLOATS:
        return ""
    try:
        return _bad_numbers(read_constant(tensor), infinite)
    except ModelError:
        return ""                      # reported when it is read


def _bad_numbers(values: np.ndarray, infinite: bool) -> str:
    values = values if values.dtype in (np.float32, np.float64) else values.astype(np.float32)
    bad = values.size - np.count_nonzero(~np.isnan(values) if infinite else np.isfinite(values))
    return f"{bad} of {values.size} values are not finite numbers" if bad else ""


def _training(graph: onnx.GraphProto) -> list[ModelError]:
    """Nodes that do in training what they do not in use."""
    problems, made = [], {node.output[0]: node for node in graph.node if node.output}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        said = any(attribute.name == "training_mode" and attribute.i for attribute in node.attribute)
        if node.op_type == "Dropout" and len(node.input) > 2 and node.input[2]:
            name = node.input[2]
            value = constants.get(name)
            if value is None and name in made and made[name].op_type == "Constant":
                value = next((attribute.t for attribute in made[name].attribute if attribute.name == "value"), None)
            said = value is None or bool(np.any(numpy_helper.to_array(value)))
        if said:
            problems.append(ModelError(label(node), "training_mode is set: it changes values at random" if
                                       node.op_type == "Dropout" else "training_mode is set",
                                       hint="export the model for inference (model.eval())"))
    return problems


def _batch_of_one(model: onnx.ModelProto) -> None:
    """Give the image a batch of 1, and forget all shapes that somebody wrote down but the input's, in place."""
    constants = {tensor.name for tensor in model.graph.initializer}
    for value in model.graph.input:
        if value.name not in constants:
            value.type.tensor_type.shape.dim[0].dim_value = 1
    model.ir_version = max(model.ir_version, 4)          # before that every initializer had to be an input
    del model.graph.value_info[:]
    for value in model.graph.output:
        for dim in value.type.tensor_type.shape.dim:
            if dim.HasField("dim_param"):
                dim.ClearField("dim_param")


def _checked(model: onnx.ModelProto, where: str) -> onnx.ModelProto:
    """The model with shapes inferred, after ONNX's own checks."""
    _refuse_types(model.graph)
    try:
        inferred = _inferred(model)
        onnx.checker.check_model(_with_types(inferred))
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, RuntimeError, ValueError,
            TypeError) as error:
        raise _refusal(error, where) from None
    return inferred


def _inferred(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with shapes, those included that are computed from shapes, as far as that is cheap."""
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    check_folded(model, shapes_of(inferred))
    if worth_propagating(model, shapes_of(inferred)):
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        check_folded(model, shapes_of(inferred))
    return inferred


def _with_types(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with a type for each output: ONNX Runtime infers those behind its own operators, ONNX does not."""
    if all(value.type.tensor_type.HasField("shape") for value in model.graph.output):
        return model
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for value in copy.graph.output:
        kind = value.type.tensor_type
        kind.elem_type = kind.elem_type or TensorProto.FLOAT
        kind.shape.SetInParent()
    return copy


def _refuse_types(graph: onnx.GraphProto) -> None:
    """Say float16 before shape inference says type 10."""
    constants = {tensor.name for tensor in graph.initializer}
    for value in graph.input:
        kind = value.type.tensor_type.elem_type
        if value.name not in constants and kind not in (TensorProto.FLOAT, TensorProto.UINT8, TensorProto.INT8):
            raise ModelError(f"input {value.name}", f"is {type_name(kind)}",
                             hint="float32, uint8 and int8 are possible; export the model with a float32 input")


def _refusal(error: Exception, where: str) -> ModelError:
    """What ONNX's checker said, in one line that begins with the node."""
    text = " ".join(str(error).split())
    place = _PLACE.search(text) or _CONTEXT.search(text.split("==>")[-1])
    if place is not None:
        where = f"{place['name'] or 'unnamed'} ({place['type']})"
    said = _MARK.sub("", _PLACE.sub("", text.split("==>")[0])).strip().rstrip(".")
    return ModelError(where, f"ONNX does not allow it: {said[:160]}", hint="export the model again")
