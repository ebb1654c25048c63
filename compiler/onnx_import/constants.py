"""Nodes that read nothing but constants and shapes: what exporters write to compute the argument of a Reshape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from firelane.compiler.onnx_import.node_view import NodeView
from firelane.compiler.onnx_import.reader import ELEMENTS_MAX, one_line
from firelane.compiler.onnx_import.values import Constant, Value

FOLDABLE = frozenset({"Add", "Cast", "Concat", "Div", "Gather", "Mul", "Reshape", "Slice", "Squeeze", "Sub",
                      "Transpose", "Unsqueeze"})


def constant(view: NodeView) -> Value:
    """The value of a Constant node."""
    tensor = view.tensor_attribute("value")
    if tensor is None:
        integers, number = view.integers("value_ints", ()), view.number("value_float", float("nan"))
        if integers:
            tensor = np.array(integers, np.int64)
        elif not math.isnan(number):
            tensor = np.array(number, np.float32)
        else:
            tensor = np.array(view.integer("value_int", 0), np.int64)
    return Constant(tensor)


def shape(view: NodeView) -> Value:
    """The shape of a value; the batch counts as 1."""
    return Constant(np.array(view.value(0).shape, np.int64))


def fold(view: NodeView, opset: int) -> Value | None:
    """The result of a node of `FOLDABLE` whose inputs are all plain constants, else None."""
    names = [name for name in view.node.input if name]
    given = [view.values[name] for name in names]
    arrays = [value.array for value in given if isinstance(value, Constant)]
    if view.node.op_type not in FOLDABLE or not names or len(arrays) != len(names):
        return None
    if sum(array.size for array in arrays) > ELEMENTS_MAX:
        raise view.problem("works on constants that are too large")
    graph = onnx.helper.make_graph([view.node], "constant", [onnx.ValueInfoProto(name=name) for name in names],
                                   [onnx.ValueInfoProto(name=view.output)])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
    try:
        results: Any = ReferenceEvaluator(model).run(None, dict(zip(names, arrays)))
    except Exception as error:         # a foreign evaluator on a file of unknown origin raises anything
        raise view.problem(f"cannot be computed from its constants ({one_line(error)})") from None
    return Constant(np.asarray(results[0]))
