"""Small changes of a kind that a damaged, hostile or merely unusual file has; the same seed makes the same ones."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

NUMBERS = (-1, 0, 1, 2, 3, 7, 255, 256, 1 << 15, 1 << 31, (1 << 63) - 1, -(1 << 31))
VALUES = (*NUMBERS, 10 ** 30, 0.5, 1e300, float("nan"), float("inf"), True, None, "", "x", "9" * 400, [], {}, [[]],
          "[" * 3000, {"a": 1})
OPERATORS = ("Conv", "Relu", "MaxPool", "AveragePool", "Concat", "Add", "Mul", "Softmax", "Reshape", "Transpose",
             "Identity", "QuantizeLinear", "DequantizeLinear", "Gemm", "Loop", "Nonsense", "Sigmoid",
             "GlobalAveragePool", "Clip")


def octets(rng: np.random.Generator, given: bytes) -> bytes:
    """Bytes with one to three changes: flipped, overwritten, cut out, repeated, cut off or added."""
    changed = bytearray(given)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(0, max(len(changed), 1)))
        length = int(min(rng.integers(1, 9), max(len(changed) - at, 0)))
        match int(rng.integers(0, 6)):
            case 0 if length:
                changed[at] ^= 1 << int(rng.integers(0, 8))
            case 1:
                changed[at:at + length] = int(rng.choice((0, 0xFF, 0x7E, 0x7D, 0x80))).to_bytes(1) * length
            case 2:
                del changed[at:at + length]
            case 3:
                changed[at:at] = changed[at:at + 4 * length]
            case 4 if rng.integers(0, 4) == 0:
                del changed[at:]
            case _:
                changed[at:at] = rng.bytes(length)
    return bytes(changed)


def document(rng: np.random.Generator, given: dict) -> dict:
    """JSON with one to three values changed, dropped or exchanged, at any depth."""
    changed = copy.deepcopy(given)
    for _ in range(rng.integers(1, 4)):
        place: Any = changed
        while True:
            keys = list(place) if isinstance(place, dict) else range(len(place))
            if not keys:
                break
            key = keys[int(rng.integers(0, len(keys)))]
            if isinstance(place[key], dict | list) and place[key] and rng.integers(0, 5):
                place = place[key]
                continue
            if rng.integers(0, 4):
                place[key] = copy.deepcopy(VALUES[int(rng.integers(0, len(VALUES)))])
            else:
                del place[key]
            break
    return changed


def model(rng: np.random.Generator, given: onnx.ModelProto) -> onnx.ModelProto:
    """A graph with a change or two of its structure, its constants or its header; most leave it a graph."""
    changed = onnx.ModelProto()
    changed.CopyFrom(given)
    for _ in range(_one(rng, (1, 1, 1, 2))):
        changes = (_attribute, _attribute, _value, _value, _value, _constant, _wire, _node, _shape, _header)
        changes[int(rng.integers(0, len(changes)))](rng, changed)
    return changed


def _one(rng: np.random.Generator, items):
    return items[int(rng.integers(0, len(items)))]


def _attribute(rng: np.random.Generator, changed: onnx.ModelProto) -> None:
    having = [node for node in changed.graph.node if node.attribute]
    if not having:
        return
    attribute = _one(rng, _one(rng, having).attribute)
    if attribute.ints:
        attribute.ints[int(rng.integers(0, len(attribute.ints)))] = int(_one(rng, (0, 1, 2, 3, *NUMBERS)))
        if rng.integers(0, 8) == 0:
            attribute.ints.append(1)
    elif attribute.type == onnx.AttributeProto.INT:
        attribute.i = int(_one(rng, NUMBERS))
    else:
        attribute.name = _one(rng, ("pads", "group", "axis", "nonsense", ""))


def _constant(rng: np.random.Generator, changed: onnx.ModelProto) -> None:
    tensor = _one(rng, changed.graph.initializer)
    match int(rng.integers(0, 4)):
        case 0:
            tensor.data_type = int(_one(rng, (TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32, TensorProto.FLOAT,
                                              TensorProto.FLOAT16, TensorProto.STRING, 0, 99)))
        case 1 if tensor.dims:
            tensor.dims[int(rng.integers(0, len(tensor.dims)))] = int(_one(rng, NUMBERS))
        case 2:
            tensor.raw_data = octets(rng, tensor.raw_data)
        case _:
            tensor.name = _one(rng, changed.graph.initializer).name


def _value(rng: np.random.Generator, changed: onnx.ModelProto) -> None:
    """Change one number of a constant, or all: weights, biases, scales and zero points."""
    tensor = _one(rng, changed.graph.initializer)
    try:
        values = np.array(numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError):       # changed before
        return
    if not values.size or values.dtype.kind not in "fiu":
        return
    place = slice(None) if rng.integers(0, 4) == 0 else int(rng.integers(0, values.size))
    flat = values.reshape(-1)
    if values.dtype.kind == "f" and rng.integers(0, 3):
        with np.errstate(over="ignore"):
            flat[place] = flat[place] * _one(rng, (0.5, 1.001, 2.0, 3.7, 100.0, 1e-3))
    else:
        extreme = (0, 1, -1, np.inf, np.nan, 1e-30, 1e30) if values.dtype.kind == "f" else (0, 1, 100, 127)
        flat[place] = _one(rng, extreme)
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def _wire(rng: np.random.Generator, changed: onnx.ModelProto) -> None:
    nodes = [node for node in changed.graph.node if node.input]
    node = _one(rng, nodes)
    names = [name for other in nodes for name in (*other.input, *other.output)]
    names += ["", "nowhere", changed.graph.input[0].name]
    if rng.integers(0, 4):
        node.input[int(rng.integers(0, len(node.input)))] = _one(rng, names)
    else:
        node.output[0] = _one(rng, names)


def _node(rng: np.random.Generator, changed: onnx.ModelProto) -> None:
    nodes = changed.graph.node
    at = int(rng.integers(0, len(nodes)))
    match int(rng.integers(0, 4)):
        case 0:
            del nodes[at]
        case 1:
            nodes[at].op_type = _one(rng, OPERATORS)
        case 2:
            nodes.append(copy.deepcopy(nodes[at]))
        case _:
            nodes[at].domain = _one(rng, ("", "com.microsoft", "nonsense"))


def _shape(rng: np.random.Generator, changed: onnx.ModelProto) -> None:
    value = _one(rng, (*changed.graph.input, *changed.graph.output))
    dims = value.type.tensor_type.shape.dim
    if dims and rng.integers(0, 3):
        _one(rng, dims).dim_value = int(_one(rng, NUMBERS))
    elif dims and rng.integers(0, 2):
        del dims[-1]
    else:
        value.type.tensor_type.elem_type = int(rng.integers(0, 20))


def _header(rng: np.random.Generator, changed: onnx.ModelProto) -> None:
    match int(rng.integers(0, 3)):
        case 0:
            changed.opset_import[0].version = int(_one(rng, (*range(1, 25), *NUMBERS)))
        case 1:
            changed.ir_version = int(_one(rng, (0, 3, 8, 10, 99)))
        case _:
            changed.metadata_props.add(key="firelane.input", value=str(_one(rng, VALUES)))
