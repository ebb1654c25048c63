"""Weights and values of half and double precision as float32, which is what is calibrated and quantized."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, numpy_helper

OTHER_FLOATS = frozenset({TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE})


def as_float32(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which every float tensor, input, output and Cast is float32; `model` itself where it is so already.

    An input of bytes that goes straight into a Cast to float becomes a float input: the same numbers.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    changed = _of_graph(copy.graph)
    changed |= _bytes_to_float(copy.graph)
    return copy if changed else model


def takes_bytes(model: onnx.ModelProto) -> bool:
    """Whether the image comes in as uint8: then it is pixels as they are."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return any(value.type.tensor_type.elem_type == TensorProto.UINT8 for value in model.graph.input
               if value.name not in constants)


def _of_graph(graph: onnx.GraphProto) -> bool:
    changed = False
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.tensor_type.elem_type in OTHER_FLOATS:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
            changed = True
    for tensor in graph.initializer:
        changed |= _widen(tensor)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                changed |= _widen(attribute.t)
            elif node.op_type == "Cast" and attribute.name == "to" and attribute.i in OTHER_FLOATS:
                attribute.i = TensorProto.FLOAT
                changed = True
    return changed


def _widen(tensor: onnx.TensorProto) -> bool:
    if tensor.data_type not in OTHER_FLOATS:
        return False
    try:
        values = numpy_helper.to_array(tensor)
    except Exception:                  # a damaged tensor: the standard's checker says what it has
        return False
    with np.errstate(over="ignore"):   # what becomes infinite is refused with the other numbers that are none
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), tensor.name))
    return True


def _bytes_to_float(graph: onnx.GraphProto) -> bool:
    """Make a float input of one of bytes whose readers all cast it to float, in place."""
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1 or inputs[0].type.tensor_type.elem_type != TensorProto.UINT8:
        return False
    readers = [node for node in graph.node if inputs[0].name in node.input]
    if not readers or not all(node.op_type == "Cast" and node.attribute[0].i == TensorProto.FLOAT for node in readers):
        return False
    inputs[0].type.tensor_type.elem_type = TensorProto.FLOAT
    return True
