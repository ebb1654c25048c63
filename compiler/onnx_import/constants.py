"""Nodes that read nothing but constants and shapes: weights on their way to a layer, arguments of a Reshape."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator

from firelane.compiler.ir.limits import FOLDED_MAX
from firelane.compiler.onnx_import.node_view import NodeView
from firelane.compiler.onnx_import.reader import label, one_line
from firelane.compiler.onnx_import.values import AnyConstant, Constant, Dequantized, Value
from firelane.compiler.support.errors import ModelError

FOLDABLE = frozenset({
    "Add", "Cast", "Clip", "Concat", "ConstantOfShape", "Div", "Equal", "Expand", "Flatten", "Gather", "Max", "Min",
    "Mul", "Neg", "Pow", "ReduceProd", "Reshape", "Slice", "Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze", "Where"})
_ONE_BY_ONE = frozenset({"Add", "Div", "Equal", "Max", "Min", "Mul", "Pow", "Sub", "Where"})


def constant(view: NodeView) -> Value:
    """The value of a Constant node, whichever attribute holds it."""
    names = {attribute.name for attribute in view.node.attribute}
    tensor = view.tensor_attribute("value")
    if tensor is not None:
        return Constant(tensor)
    if "value_float" in names:
        return Constant(np.array(view.number("value_float", 0.0), np.float32))
    if "value_floats" in names:
        return Constant(np.array(view.numbers("value_floats"), np.float32))
    if "value_int" in names:
        return Constant(np.array(view.integer("value_int", 0), np.int64))
    if "value_ints" in names:
        return Constant(np.array(view.integers("value_ints", ()), np.int64))
    raise view.problem(f"its value is {', '.join(sorted(names)) or 'missing'}",
                       "value, value_float, value_floats, value_int and value_ints are possible")


def shape(view: NodeView) -> Value:
    """The shape of a value, from `start` to `end`; the batch counts as 1."""
    sizes = view.any_value(0).shape
    chosen = slice(view.integer("start", 0), view.integer("end", len(sizes)))
    return Constant(np.array(sizes[chosen], np.int64))


class Folder:
    """Computes nodes of constants, and counts what they make: `FOLDED_MAX` elements in all.

    Parameters
    ----------
    opset : the version of ONNX's operators
    """

    def __init__(self, opset: int):
        self._opset, self._elements = opset, 0

    def fold(self, view: NodeView) -> Value | None:
        """The result of a node of `FOLDABLE` whose inputs are all plain constants, else None."""
        inputs = [view.values[name] for name in view.node.input if name]
        plain = [value.array for value in inputs if isinstance(value, Constant)]
        if view.node.op_type not in FOLDABLE or view.node.domain or not inputs or len(plain) != len(inputs):
            return None
        if view.integer("to", 0) == TensorProto.STRING:
            raise view.problem("makes text of numbers", "numbers are possible")
        with suppress(ValueError, IndexError, OverflowError):          # the evaluator says what is wrong
            self._elements += _size(view, plain)
        if self._elements > FOLDED_MAX:
            raise too_large_to_fold(label(view.node))
        return Constant(self._result(view, plain))

    def _result(self, view: NodeView, inputs: list[np.ndarray]) -> np.ndarray:
        names = [name for name in view.node.input if name]
        graph = onnx.helper.make_graph([view.node], "constant", [onnx.ValueInfoProto(name=name) for name in names],
                                       [onnx.ValueInfoProto(name=view.output)])
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", self._opset)])
        try:
            with np.errstate(all="ignore"):
                outputs: Any = ReferenceEvaluator(model).run(None, dict(zip(names, inputs)))
            result = np.asarray(outputs[0])
        except Exception as error:     # a foreign evaluator on a file of unknown origin raises anything
            raise view.problem(f"cannot be computed from its constants ({one_line(error)})") from None
        if result.dtype.kind == "f" and not np.all(np.isfinite(result)):
            raise view.problem("its result is not finite numbers", "train or export the model again")
        return result


def too_large_to_fold(where: str) -> ModelError:
    """The refusal of the node at which folded constants become too large."""
    return ModelError(where, "constants are too large when they are computed",
                      hint=f"at most {FOLDED_MAX:,} numbers in all are possible; store the result")


def _size(view: NodeView, inputs: list[np.ndarray]) -> int:
    """A bound on the number of elements of the result."""
    match view.node.op_type:
        case "ConstantOfShape":
            return math.prod(int(size) for size in inputs[0].ravel())
        case "Expand":
            return math.prod(np.broadcast_shapes(inputs[0].shape, tuple(int(size) for size in inputs[1].ravel())))
        case "Gather":
            axis = inputs[0].shape[view.integer("axis", 0)]
            return inputs[1].size * max(inputs[0].size // max(axis, 1), 1)
        case kind if kind in _ONE_BY_ONE:
            return math.prod(np.broadcast_shapes(*(array.shape for array in inputs)))
    return sum(array.size for array in inputs)


def reshaped(view: NodeView, value: AnyConstant, sizes: tuple[int, ...]) -> AnyConstant:
    """A constant in another shape; scales of channels stay with their channels."""
    if isinstance(value, Constant):
        return Constant(np.reshape(value.array, sizes))
    axis, count = value.axis, value.scale.size
    if count > 1:
        before = math.prod(value.integers.shape[:axis])
        places = [place for place, size in enumerate(sizes) if size == count and math.prod(sizes[:place]) == before]
        if not places:
            raise view.problem("reshapes weights that have a scale for each channel", "quantize after the reshape")
        axis = places[0]
    return Dequantized(np.reshape(value.integers, sizes), value.scale, axis)


def transposed(view: NodeView, value: Dequantized) -> Dequantized:
    """The constant with its dimensions in another order."""
    rank = value.integers.ndim
    order = view.integers("perm", tuple(reversed(range(rank))))
    if sorted(order) != list(range(rank)):
        raise view.problem(f"perm {list(order)} of {rank} dimensions")
    axis = order.index(value.axis) if value.scale.size > 1 else 0
    return Dequantized(np.transpose(value.integers, order), value.scale, axis)
