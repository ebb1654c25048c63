"""Activations that the engine does not have, named as people know them, also where an exporter wrote them in pieces.

SiLU, HardSwish, GELU and Mish are a map times a function of itself. Each is found at its Mul and reported once, there;
its pieces are not reported again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import onnx

from firelane.compiler.onnx_import.reader import label
from firelane.compiler.support.errors import ModelError

WAY_OUT = "train or fine-tune the network with ReLU, ReLU6 (Clip), LeakyReLU or PReLU in its place"
PIECES_MAX = 32                        # nodes of which one activation may be made
ALONE = ("Celu", "Elu", "Erf", "Exp", "Gelu", "HardSwish", "Mish", "Selu", "Softplus", "Softsign", "Swish", "Tanh",
         "ThresholdedRelu")            # operators that are an activation, or the telling piece of one
_UNCHANGED = frozenset({"QuantizeLinear", "DequantizeLinear", "Identity", "Cast", "Dropout"})
_SCALED = frozenset({"Mul", "Div"})
_PIECES = _UNCHANGED | _SCALED | {"Abs", "Add", "Clip", "Erf", "Exp", "HardSigmoid", "Log", "Max", "Min", "Neg", "Pow",
                                  "Relu", "Sigmoid", "Softplus", "Sqrt", "Sub", "Tanh"}
_GATES = frozenset({"Sigmoid", "HardSigmoid"})


@dataclass
class Refused:
    """Problems, and what the nodes that they are about make."""

    problems: list[ModelError] = field(default_factory=list)
    tensors: set[str] = field(default_factory=set)


def refused(graph: onnx.GraphProto) -> Refused:
    """Every product of a map and a function of itself, or of another map, that is an activation or a gate."""
    makers = {name: node for node in graph.node for name in node.output}
    constants = _constants(graph)
    result = Refused()
    for node in graph.node:
        operands = [name for name in node.input if name not in constants]
        if _kind(node) != "Mul" or len(operands) != 2 or operands[0] == operands[1]:
            continue
        for source, function in (operands, operands[::-1]):
            pieces = _pieces(function, _same(source, makers, constants), makers, constants)
            name = None if pieces is None else _name({_kind(piece) for piece in pieces})
            if pieces is not None and name:
                result.problems.append(ModelError(label(node), f"is {name}, which the engine does not have",
                                                  hint=WAY_OUT))
                result.tensors.update(node.output, *(piece.output for piece in pieces))
                break
            if _is_gate(function, makers):
                result.problems.append(ModelError(
                    label(node), "multiplies a map with the Sigmoid of another, as squeeze and excitation does; the "
                    "engine multiplies maps with constants only", hint="train the network without such blocks"))
                result.tensors.update(node.output)
                break
    return result


def _kind(node: onnx.NodeProto) -> str:
    """The float operator that a node is, or is the quantized form of."""
    return node.op_type.removeprefix("QLinear")


def _name(kinds: set[str]) -> str:
    """The activation that a map times a function of itself is, by the operators in the function; empty if unknown."""
    if "Softplus" in kinds or {"Exp", "Log", "Tanh"} <= kinds:
        return "Mish, x * Tanh(Softplus(x))"
    if kinds & {"Erf", "Tanh"}:
        return "GELU"
    if "Sigmoid" in kinds:
        return "SiLU (Swish), x * Sigmoid(x)"
    if "HardSigmoid" in kinds or ("Add" in kinds and kinds & {"Clip", "Min"}):
        return "HardSwish, x * HardSigmoid(x)"
    return ""


def _pieces(name: str, ends: set[str], makers: dict[str, onnx.NodeProto],
            constants: set[str]) -> list[onnx.NodeProto] | None:
    """The nodes that make `name` of `ends` and constants, pixel by pixel; None if it depends on anything else."""
    waiting, seen = [name], {name}
    pieces: list[onnx.NodeProto] = []
    while waiting:
        wanted = waiting.pop()
        if wanted in ends:
            continue
        node = makers.get(wanted)
        if node is None or _kind(node) not in _PIECES or len(pieces) == PIECES_MAX:
            return None
        pieces.append(node)
        waiting += [other for other in node.input if other not in seen | constants]
        seen.update(node.input)
    return pieces


def _same(name: str, makers: dict[str, onnx.NodeProto], constants: set[str]) -> set[str]:
    """`name`, and tensors that it is a multiple of."""
    found = {name}
    for _ in range(PIECES_MAX):
        node = makers.get(name)
        operands = [other for other in node.input if other not in constants] if node is not None else []
        if node is None or len(operands) != 1 or _kind(node) not in _UNCHANGED | _SCALED:
            break
        name = operands[0]
        found.add(name)
    return found


def _is_gate(name: str, makers: dict[str, onnx.NodeProto]) -> bool:
    for _ in range(PIECES_MAX):
        node = makers.get(name)
        if node is None or _kind(node) not in _UNCHANGED or not node.input:
            return node is not None and _kind(node) in _GATES
        name = node.input[0]
    return False


def _constants(graph: onnx.GraphProto) -> set[str]:
    """Tensors that depend on no input of the graph; nodes stand in order."""
    known = {tensor.name for tensor in graph.initializer} | {""}
    for node in graph.node:
        if known.issuperset(node.input):
            known.update(node.output)
    return known
