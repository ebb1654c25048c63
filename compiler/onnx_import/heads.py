"""Operators at the end of a network that the engine leaves to the host: they turn logits into probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable

from firelane.compiler.onnx_import.node_view import NodeView
from firelane.compiler.onnx_import.values import Hosted, Lazy, Real, Stored, Value

SOFTMAX, LOG_SOFTMAX, SIGMOID, HARD_SIGMOID = "Softmax", "LogSoftmax", "Sigmoid", "HardSigmoid"


def softmax(view: NodeView) -> Value:
    """Softmax or LogSoftmax over the classes: not computed here; the metadata say so."""
    value = _input(view)
    axis = view.integer("axis", -1 if view.opset >= 13 else 1)
    rank = len(value.shape)
    if not -rank <= axis < max(rank, 1) or value.shape[axis % rank] != math.prod(value.shape):
        raise view.problem(f"over axis {axis} of shape {list(value.shape)}",
                           "over all classes of one image is possible")
    return _hosted(view, value, LOG_SOFTMAX if view.node.op_type == "LogSoftmax" else SOFTMAX)


def sigmoid(view: NodeView) -> Value:
    """Sigmoid or HardSigmoid, of every value."""
    value = _input(view)
    if view.node.op_type != HARD_SIGMOID:
        return _hosted(view, value, SIGMOID)
    numbers = view.number("alpha", 0.2), view.number("beta", 0.5)
    return _hosted(view, value, HARD_SIGMOID, ":".join(["", *(f"{number:.9g}" for number in numbers)]))


def _input(view: NodeView) -> Real | Stored:
    value = view.value(0)
    if isinstance(value, Lazy) and (value.exact or value.natural):
        value = view.settled(value, view.node.input[0])
    if not isinstance(value, Real | Stored) or value.tensor is None:
        raise view.problem("its input is not quantized", "quantize the whole network")
    return value


def _hosted(view: NodeView, value: Real | Stored, operator: str, numbers: str = "") -> Hosted:
    view.builder.host_operators.append(operator + numbers)
    return Hosted(value, value.shape, value.dims, operator)


HEADS: dict[str, Callable[[NodeView], Value]] = {
    "Softmax": softmax, "LogSoftmax": softmax, "Sigmoid": sigmoid, "HardSigmoid": sigmoid, "QLinearSoftmax": softmax,
    "QLinearSigmoid": sigmoid,
}
