"""The two digit SqueezeNets as a table, the one walk through it, and the float ONNX graph.

    conv1 3x3/2   56 -> 27      24 channels
    pool1 3x3/2   27 -> 13
    fire2, fire3  13            64 channels
    pool3 3x3/2   13 -> 6       declared with ceil mode
    fire4, fire5   6            80 channels
    fire6, fire7   6           128 channels
    conv10 1x1     6            10 classes, ReLU, global average, softmax

The *bypass* variant adds the input of fire3, fire5 and fire7 to its output, as the paper's simple bypass does
wherever the channel counts agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from firelane.models.drawn_digits import CLASSES, SIDE
from firelane.models.squeezenet import ConvSpec, FireSpec

__all__ = ["GraphOps", "Ops", "Pool", "convolutions", "float_onnx", "walk"]

OPSET = 15
IR_VERSION = 8

Tensor = TypeVar("Tensor")


@dataclass(frozen=True)
class Pool:
    """A 3x3 maximum with stride 2."""

    name: str
    ceil_mode: bool


CONV1 = ConvSpec("conv1", 1, 24, 3, stride=2)
BODY: tuple[FireSpec | Pool, ...] = (
    Pool("pool1", ceil_mode=False),
    FireSpec("fire2", 24, 16, 32, 32),
    FireSpec("fire3", 64, 16, 32, 32),
    Pool("pool3", ceil_mode=True),
    FireSpec("fire4", 64, 24, 40, 40),
    FireSpec("fire5", 80, 24, 40, 40),
    FireSpec("fire6", 80, 24, 64, 64),
    FireSpec("fire7", 128, 24, 64, 64),
)
CONV10 = ConvSpec("conv10", 128, CLASSES, 1)


def convolutions() -> tuple[ConvSpec, ...]:
    """Every convolution in the order of execution; the same for both variants."""
    fires = [conv for layer in BODY if isinstance(layer, FireSpec) for conv in layer.convolutions]
    return (CONV1, *fires, CONV10)


class Ops(Protocol[Tensor]):
    """What a back-end must do for each kind of layer."""

    def conv_relu(self, conv: ConvSpec, x: Tensor) -> Tensor: ...

    def max_pool(self, pool: Pool, x: Tensor) -> Tensor: ...

    def concat(self, name: str, parts: tuple[Tensor, Tensor]) -> Tensor: ...

    def add(self, name: str, a: Tensor, b: Tensor) -> Tensor: ...

    def dropout(self, x: Tensor) -> Tensor: ...

    def global_average(self, x: Tensor) -> Tensor: ...


def walk(ops: Ops[Tensor], x: Tensor, *, bypass: bool) -> Tensor:
    """Run or emit the network from the pixels to the ten class scores (before softmax)."""
    x = ops.conv_relu(CONV1, x)
    for layer in BODY:
        match layer:
            case Pool():
                x = ops.max_pool(layer, x)
            case FireSpec():
                x = _walk_fire(ops, layer, x, bypass=bypass and layer.inputs == layer.outputs)
    x = ops.conv_relu(CONV10, ops.dropout(x))
    return ops.global_average(x)


def _walk_fire(ops: Ops[Tensor], fire: FireSpec, x: Tensor, *, bypass: bool) -> Tensor:
    squeeze, expand1x1, expand3x3 = fire.convolutions
    squeezed = ops.conv_relu(squeeze, x)
    parts = (ops.conv_relu(expand1x1, squeezed), ops.conv_relu(expand3x3, squeezed))
    out = ops.concat(f"{fire.name}/concat", parts)
    return ops.add(f"{fire.name}/bypass", out, x) if bypass else out


class GraphOps:
    """The back-end that writes ONNX nodes; a tensor is its name.

    Parameters
    ----------
    weights : mapping of str to float32 (O, I, K, K)
    biases : mapping of str to float32 (O,)
    """

    def __init__(self, weights: Mapping[str, np.ndarray], biases: Mapping[str, np.ndarray]):
        self._weights, self._biases = weights, biases
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def _emit(self, op: str, name: str, inputs: list[str], **attributes) -> str:
        self.nodes.append(helper.make_node(op, inputs, [f"{name}_out"], name=name, **attributes))
        return f"{name}_out"

    def _constant(self, name: str, values: np.ndarray) -> str:
        self.initializers.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def conv_relu(self, conv: ConvSpec, x: str) -> str:
        operands = [x, self._constant(f"{conv.name}.weight", self._weights[conv.name]),
                    self._constant(f"{conv.name}.bias", self._biases[conv.name])]
        y = self._emit("Conv", conv.name, operands, kernel_shape=[conv.kernel] * 2,
                       strides=[conv.stride] * 2, pads=[conv.pad] * 4)
        return self._emit("Relu", f"{conv.name}/relu", [y])

    def max_pool(self, pool: Pool, x: str) -> str:
        return self._emit("MaxPool", pool.name, [x], kernel_shape=[3, 3], strides=[2, 2],
                          ceil_mode=int(pool.ceil_mode))

    def concat(self, name: str, parts: tuple[str, str]) -> str:
        return self._emit("Concat", name, list(parts), axis=1)

    def add(self, name: str, a: str, b: str) -> str:
        return self._emit("Add", name, [a, b])

    def dropout(self, x: str) -> str:
        return self._emit("Dropout", "drop9", [x])

    def global_average(self, x: str) -> str:
        pooled = self._emit("GlobalAveragePool", "pool10", [x])
        return self._emit("Flatten", "flatten", [pooled], axis=1)

    def softmax(self, x: str) -> None:
        self.nodes.append(helper.make_node("Softmax", [x], ["probabilities"], name="softmax", axis=1))


def float_onnx(weights: Mapping[str, np.ndarray], biases: Mapping[str, np.ndarray], *,
               bypass: bool) -> onnx.ModelProto:
    """The float network: `image` float32 (1, 1, 56, 56) in pixel units -> `probabilities` float32 (1, 10)."""
    ops = GraphOps(weights, biases)
    ops.softmax(walk(ops, "image", bypass=bypass))
    graph = helper.make_graph(
        ops.nodes, "digits_squeezenet_bypass" if bypass else "digits_squeezenet",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, CLASSES])],
        ops.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)],
                              ir_version=IR_VERSION, producer_name="firelane")
    onnx.checker.check_model(model, full_check=True)
    return model
