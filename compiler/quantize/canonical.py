"""Rewrites of float models that neither ONNX Runtime's folding nor its quantizer knows; each is exact.

- what the output does not depend on goes;
- an input with channels last becomes one with channels first;
- a mean over rows and columns becomes a GlobalAveragePool, a Sum becomes Adds, a PRelu with one slope a LeakyRelu, and
  the larger or smaller of a map and a number a Clip, all of which ONNX Runtime quantizes;
- alpha and beta of a Gemm go into its weights and its bias, which has one number for each output;
- what multiplies and adds by channel (BatchNormalization, x / 255, (x - mean) / std) joins the convolution before it,
  or the one after it if that has no padding, or becomes a depthwise convolution of 1x1, which the engine has
  (`channel_scalings`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from firelane.compiler.onnx_import.reader import TO_FIRST, read_input
from firelane.compiler.onnx_import.standard import opset_of, shapes_of
from firelane.compiler.quantize.channel_scalings import moved_scalings

AXES_AS_INPUT = 18                     # the opset since which ReduceMean has its axes as an input


def without_copies(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy without Identity, Sum of one map, and Cast of float32 to itself; types must have been inferred."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    floats = {value.name for value in (*copy.graph.value_info, *copy.graph.input, *copy.graph.output)
              if value.type.tensor_type.elem_type == TensorProto.FLOAT}
    shown, kept = {value.name for value in copy.graph.output}, set()
    kept |= {value.name for value in copy.graph.input} | {tensor.name for tensor in copy.graph.initializer} | shown
    same: dict[str, str] = {}                            # of a copy: what it is a copy of
    nodes = []
    for node in copy.graph.node:
        source = node.input[0] if node.input else ""
        source = same.get(source, source)
        if not _copies(node, source, floats) or (node.output[0] in shown and source in kept):
            nodes.append(node)
        elif node.output[0] in shown:                    # its source takes the output's name
            same[source] = node.output[0]
            same.update({name: node.output[0] for name, other in same.items() if other == source})
            kept.add(source)
        else:
            same[node.output[0]] = source
    for node in nodes:
        node.input[:] = [same.get(name, name) for name in node.input]
        node.output[:] = [same.get(name, name) for name in node.output]
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy


def _copies(node: onnx.NodeProto, source: str, floats: set[str]) -> bool:
    if node.op_type == "Cast":
        return source in floats and node.attribute[0].i == TensorProto.FLOAT
    return node.op_type == "Identity" or (node.op_type == "Sum" and len(node.input) == 1)


def channels_first(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose input has channels first; the model itself where it has, or where no Transpose says so.

    Arithmetic with constants before the Transpose (Keras' Rescaling) stays before it.
    """
    source = read_input(model.graph)
    if not source.last:
        return model
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    constants = {tensor.name: tensor for tensor in copy.graph.initializer}
    shown, name, arithmetic = {value.name for value in copy.graph.output}, source.name, []
    while True:
        readers = [node for node in copy.graph.node if name in node.input]
        if len(readers) != 1 or name in shown:
            return model
        if readers[0].op_type not in ("Mul", "Div", "Add", "Sub") or not _columns(readers[0], name, constants):
            break
        arithmetic.append(readers[0])
        name = readers[0].output[0]
    first = readers[0]
    order = next((tuple(attribute.ints) for attribute in first.attribute if attribute.name == "perm"), TO_FIRST)
    if order != TO_FIRST or first.op_type not in (("Transpose",) if arithmetic else ("Transpose", "Reshape")):
        return model
    value = next(value for value in copy.graph.input if value.name == source.name)
    for dim, size in zip(value.type.tensor_type.shape.dim, (1, *source.dims)):
        dim.dim_value = size
    for number, node in enumerate(arithmetic):
        _turn(copy.graph, node, number, constants)
    if first.op_type == "Transpose":
        first.op_type = "Identity"
        del first.attribute[:]
    del copy.graph.value_info[:]
    return onnx.shape_inference.infer_shapes(copy)


def _columns(node: onnx.NodeProto, source: str, constants: dict[str, onnx.TensorProto]) -> bool:
    """Whether a node of two inputs computes with a map and one number, or one for each of the last dimension."""
    others = [constants.get(name) for name in node.input if name != source]
    return len(node.input) == 2 and len(others) == 1 and others[0] is not None and \
        all(size == 1 for size in others[0].dims[:-1]) and len(others[0].dims) <= 4


def _turn(graph: onnx.GraphProto, node: onnx.NodeProto, number: int, constants: dict[str, onnx.TensorProto]) -> None:
    """Let the constant of such a node stand for channels that come first, in place."""
    index = next(index for index, name in enumerate(node.input) if name in constants)
    values = numpy_helper.to_array(constants[node.input[index]])
    if values.size > 1:
        name = f"{node.input[index]}/first{number}"
        graph.initializer.append(numpy_helper.from_array(values.reshape(-1, 1, 1), name))
        node.input[index] = name


def rewritten(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy with means and channel-wise arithmetic rewritten; `model` itself where there is nothing to do."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    shapes = {**shapes_of(model), read_input(model.graph).name: read_input(model.graph).shape}
    changed = _means(copy, shapes) | _sums(copy.graph) | _single_numbers(copy.graph)
    changed |= _dense(copy.graph)
    changed |= moved_scalings(copy.graph, shapes)
    changed |= _without_dead(copy.graph)
    return onnx.shape_inference.infer_shapes(copy) if changed else model


def _without_dead(graph: onnx.GraphProto) -> bool:
    """Take away what the output does not depend on, in place; nodes stand in order."""
    needed = {value.name for value in graph.output}
    dead = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
        else:
            dead.append(node)
    unused = [tensor for tensor in graph.initializer if tensor.name not in needed]
    for node in dead:
        graph.node.remove(node)
    for tensor in unused:
        graph.initializer.remove(tensor)
    return bool(dead or unused)


@dataclass(frozen=True)
class _Mean:
    """A ReduceMean; `kept` says whether the dimensions that it is over stay, with size 1."""

    source: str
    axes: tuple[int, ...]
    kept: bool


def _means(model: onnx.ModelProto, shapes: dict[str, tuple[int, ...]]) -> bool:
    """ReduceMean over rows and columns -> GlobalAveragePool, and Flatten where the dimensions go."""
    graph, changed = model.graph, False
    makers = {node.output[0]: node for node in graph.node if node.output}
    means = {name: mean for name, node in makers.items() if (mean := _mean(model, node, shapes)) is not None}
    for index, node in reversed(list(enumerate(graph.node))):
        result = node.output[0] if node.output else ""
        source = _whole(means[result], makers, means, shapes) if result in means else None
        if source is None:
            continue
        average = result if means[result].kept else f"{result}/average"
        nodes = [helper.make_node("GlobalAveragePool", [source], [average], name=node.name)]
        if not means[result].kept:
            nodes.append(helper.make_node("Flatten", [average], [result], name=f"{node.name}/flatten", axis=1))
        _replace(graph, index, nodes)
        changed = True
    return changed


def _mean(model: onnx.ModelProto, node: onnx.NodeProto, shapes: dict[str, tuple[int, ...]]) -> _Mean | None:
    """What a node is the mean of, axes counted from the front; None if it is no mean."""
    if node.op_type != "ReduceMean" or not shapes.get(node.input[0]):
        return None
    said = {attribute.name: attribute for attribute in node.attribute}
    axes = list(said["axes"].ints) if "axes" in said else []
    if opset_of(model) >= AXES_AS_INPUT and len(node.input) > 1:
        axes = [axis for tensor in model.graph.initializer if tensor.name == node.input[1]
                for axis in numpy_helper.to_array(tensor).ravel().tolist()]
    rank = len(shapes[node.input[0]])
    return _Mean(node.input[0], tuple(sorted(axis % rank for axis in axes)),
                 "keepdims" not in said or bool(said["keepdims"].i))


def _whole(mean: _Mean, makers: dict[str, onnx.NodeProto], means: dict[str, _Mean],
           shapes: dict[str, tuple[int, ...]]) -> str | None:
    """The map over whose rows and columns a mean is, also in two steps, or of pixels in one dimension."""
    if len(shapes[mean.source]) == 4 and mean.axes == (2, 3):
        return mean.source
    before, maker = means.get(mean.source), makers.get(mean.source)
    if before is not None and before.kept == mean.kept and len(shapes[before.source]) == 4:
        second = mean.axes if mean.kept else tuple(5 - axis for axis in before.axes if mean.axes == (2,))
        return before.source if {(*before.axes, *second)} <= {(2, 3), (3, 2)} else None
    if maker is not None and maker.op_type == "Reshape" and mean.axes == (2,) and not mean.kept:
        shape = shapes.get(maker.input[0], ())
        if len(shape) == 4 and shapes[mean.source] == (*shape[:2], shape[2] * shape[3]):
            return maker.input[0]
    return None


def _sums(graph: onnx.GraphProto) -> bool:
    """Sum of several maps -> additions of two."""
    found = [(index, node) for index, node in enumerate(graph.node) if node.op_type == "Sum"]
    for index, node in reversed(found):
        first, *others = node.input
        nodes = []
        for number, other in enumerate(others, 1):
            last = number == len(others)
            result = node.output[0] if last else f"{node.output[0]}/{number}"
            nodes.append(helper.make_node("Add", [first, other], [result], name=node.name if last else result))
            first = result
        _replace(graph, index, nodes)
    return bool(found)


def _single_numbers(graph: onnx.GraphProto) -> bool:
    """PRelu whose slopes are all alike -> LeakyRelu; Max and Min of a map and a number -> Relu or Clip."""
    constants, changed = {tensor.name: tensor for tensor in graph.initializer}, False
    for index, node in enumerate(graph.node):
        held = [name for name in node.input if name in constants]
        if node.op_type not in ("PRelu", "Max", "Min") or len(node.input) != 2 or len(held) != 1:
            continue
        source = next(name for name in node.input if name != held[0])
        values = numpy_helper.to_array(constants[held[0]])
        if values.size == 0 or np.any(values != values.flat[0]) or (node.op_type != "PRelu" and values.size > 1):
            continue
        number = float(values.flat[0])
        if node.op_type == "PRelu":
            new = helper.make_node("LeakyRelu", [source], node.output, name=node.name, alpha=number)
        elif node.op_type == "Max" and number == 0:
            new = helper.make_node("Relu", [source], node.output, name=node.name)
        else:
            bound = f"{node.output[0]}/bound"
            graph.initializer.append(numpy_helper.from_array(np.array(number, np.float32), bound))
            bounds = [bound] if node.op_type == "Max" else ["", bound]
            new = helper.make_node("Clip", [source, *bounds], node.output, name=node.name)
        _replace(graph, index, [new])
        changed = True
    return changed


def _dense(graph: onnx.GraphProto) -> bool:
    """Gemm of constants: alpha and beta go into them, and a bias has one number for each output."""
    constants, changed = {tensor.name: tensor for tensor in graph.initializer}, False
    for node in graph.node:
        if node.op_type != "Gemm" or not all(name in constants for name in node.input[1:] if name):
            continue
        said = {attribute.name: attribute for attribute in node.attribute}
        factors = [said[name].f if name in said else 1.0 for name in ("alpha", "beta")]
        weight, *bias = [numpy_helper.to_array(constants[name]) for name in node.input[1:] if name]
        outputs = weight.shape[0 if "transB" in said and said["transB"].i else 1]
        if factors == [1.0, 1.0] and all(values.shape == (outputs,) for values in bias):
            continue
        if bias and factors[1] == 0:                     # then it is not added, whatever it is
            bias.clear()
        made = [weight * np.float32(factors[0]),
                *(np.broadcast_to(values.reshape(-1) * np.float32(factors[1]), outputs) for values in bias)]
        names = [f"{node.output[0]}/{name}" for name in ("weight", "bias")][:len(made)]
        graph.initializer.extend(map(numpy_helper.from_array, made, names))
        node.input[1:] = names
        for name in said.keys() & {"alpha", "beta"}:
            node.attribute.remove(said[name])
        changed = True
    return changed


def _replace(graph: onnx.GraphProto, index: int, nodes: list[onnx.NodeProto]) -> None:
    graph.node.pop(index)
    for node in reversed(nodes):
        graph.node.insert(index, node)
