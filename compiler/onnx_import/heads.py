"""Operators at the end of a network that the engine leaves to the host: they turn logits into probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from firelane.compiler.ir.graph import PIXEL_MAX
from firelane.compiler.onnx_import.node_view import NodeView
from firelane.compiler.onnx_import.values import Hosted, Lazy, Quantization, Real, Value

SOFTMAX, LOG_SOFTMAX, SIGMOID, HARD_SIGMOID = "Softmax", "LogSoftmax", "Sigmoid", "HardSigmoid"
CLIP = "Clip"
REACH = 0.99                           # a scale that reaches it only rounds: steps of 1 / 128 end at 0.992


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


def quantized(view: NodeView, value: Hosted, quantization: Quantization, signed: bool) -> Hosted:
    """The result of such an operator, quantized: the host does not round it, but saturates it where that does.

    A calibrated scale ends at the largest value of the calibration. Of a LogSoftmax the host has the probabilities.
    """
    low, high = ((steps - quantization.zero_point) * quantization.scale for steps in (0, PIXEL_MAX))
    if value.operator == LOG_SOFTMAX:
        low, high = math.exp(low), 1.0
    if low > 1 - REACH or high < REACH:
        view.builder.host_operators.append(f"{CLIP}:{low:.9g}:{high:.9g}")
    return replace(value, stored=(quantization, signed))


def dequantized(view: NodeView, value: Hosted) -> Hosted:
    """The quantized result as real values again, which must be what was quantized."""
    if value.stored is None:
        raise view.problem("input is not a quantized tensor")
    made, signed = value.stored
    read, _ = view.quantization(1, 2, signed=signed)
    if read != made:
        raise view.problem(f"reads the result of a {value.operator} with scale {read.scale:.6g} and zero point "
                           f"{read.zero_point}, but it was made with {made.scale:.6g} and {made.zero_point}",
                           "both must be the same")
    return replace(value, stored=None)


def _input(view: NodeView) -> Real:
    if view.node.op_type.startswith("QLinear"):
        return view.stored_real(0)
    value = view.value(0)
    if isinstance(value, Lazy) and (value.exact or value.natural):
        value = view.settled(value, view.node.input[0])
    if not isinstance(value, Real):
        raise view.problem("its input is not quantized", "quantize the whole network")
    return value


def _hosted(view: NodeView, value: Real, operator: str, numbers: str = "") -> Hosted:
    view.builder.host_operators.append(operator + numbers)
    made = Hosted(value, value.shape, value.dims, operator)
    return quantized(view, made, *view.quantization(3, 4)) if view.node.op_type.startswith("QLinear") else made


HEADS: dict[str, Callable[[NodeView], Value]] = {
    "Softmax": softmax, "LogSoftmax": softmax, "Sigmoid": sigmoid, "HardSigmoid": sigmoid, "QLinearSoftmax": softmax,
    "QLinearSigmoid": sigmoid,
}
