"""Float ONNX graphs of the networks in `models.squeezenet`.

    build("squeezenet1.0", input_size=64, seed=1)       with random weights
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from firelane.compiler.frame_io.preprocessing import INPUT_KEY, Preprocessing
from firelane.compiler.frame_io.presets import scaled_side
from firelane.compiler.support.errors import ConfigError
from firelane.models.squeezenet import NETWORKS, POOL_KERNEL, POOL_STRIDE, Architecture, ConvSpec, FireSpec, PoolSpec
from firelane.models.squeezenet_weights import random_parameters

__all__ = ["build", "float_onnx"]

OPSET = 15
IR_VERSION = 8


def build(network: str | Architecture, *, input_size: int = 224, seed: int = 0,
          weights: Mapping[str, np.ndarray] | None = None, biases: Mapping[str, np.ndarray] | None = None,
          densities: Mapping[str, float] | None = None) -> onnx.ModelProto:
    """A float ONNX graph of a network: `image` float32 (1, 3, size, size) -> `probabilities` float32 (1, classes).

    Without `weights` and `biases` they are random (`models.squeezenet_weights`), for RGB pixels 0..255.

    Parameters
    ----------
    network : an `Architecture`, or one of the names in `NETWORKS`
    weights : float32 OIHW by convolution
    biases : float32 (O,) by convolution
    densities : share of random weights that are not zero, by convolution; 1.0 where none is given
    """
    if isinstance(network, str):
        if network not in NETWORKS:
            raise ConfigError("network", f"no such network: {network!r}", hint=f"there are {', '.join(NETWORKS)}")
        network = NETWORKS[network]
    if weights is None and biases is None:
        weights, biases = random_parameters(network.convolutions, seed=seed, densities=densities or {})
    if weights is None or biases is None:
        raise ConfigError("network", "weights without biases, or the reverse", hint="give both or none")
    return float_onnx(network, weights, biases, input_size=input_size)


def float_onnx(network: Architecture, weights: Mapping[str, np.ndarray], biases: Mapping[str, np.ndarray], *,
               input_size: int) -> onnx.ModelProto:
    """`image` float32 (1, 3, size, size), RGB pixels 0..255 -> `probabilities` float32 (1, classes).

    Parameters
    ----------
    weights : float32 OIHW by convolution
    biases : float32 (O,) by convolution
    """
    network.sides(input_size)
    _check_parameters(network, weights, biases)
    writer = _Writer(weights, biases)
    writer.network(network)
    channels, classes = network.conv1.inputs, network.conv10.outputs
    graph = helper.make_graph(
        writer.nodes, network.name,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, channels, input_size, input_size])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, classes])],
        writer.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
                              producer_name="firelane")
    record = Preprocessing(channels="RGB", resize=scaled_side(input_size))
    helper.set_model_props(model, {INPUT_KEY: record.to_json()})
    onnx.checker.check_model(model, full_check=True)
    return model


def _check_parameters(network: Architecture, weights: Mapping[str, np.ndarray],
                      biases: Mapping[str, np.ndarray]) -> None:
    for conv in network.convolutions:
        found = tuple(tuple(values[conv.name].shape) if conv.name in values else () for values in (weights, biases))
        wanted = conv.weight_shape, (conv.outputs,)
        if found != wanted:
            raise ConfigError(f"{network.name}, {conv.name}", f"weights and biases of shape {found[0]}, {found[1]}",
                              hint=f"{wanted[0]}, {wanted[1]} are wanted")


class _Writer:
    """Emits nodes; a tensor is its name, and each tensor is called like the node that makes it."""

    def __init__(self, weights: Mapping[str, np.ndarray], biases: Mapping[str, np.ndarray]):
        self._weights, self._biases = weights, biases
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def network(self, network: Architecture) -> None:
        x = self.conv(network.conv1, "image")
        for layer in network.body:
            x = self.pool(layer, x) if isinstance(layer, PoolSpec) else self.fire(layer, network, x)
        x = self.conv(network.conv10, self.emit("Dropout", "drop9", [x]))
        x = self.emit("Flatten", "flatten", [self.emit("GlobalAveragePool", "pool10", [x])], axis=1)
        self.nodes.append(helper.make_node("Softmax", [x], ["probabilities"], name="softmax", axis=1))

    def fire(self, fire: FireSpec, network: Architecture, x: str) -> str:
        squeeze, expand1x1, expand3x3 = fire.convolutions
        squeezed = self.conv(squeeze, x)
        parts = [self.conv(expand1x1, squeezed), self.conv(expand3x3, squeezed)]
        y = self.emit("Concat", f"{fire.name}/concat", parts, axis=1)
        match fire.bypass(network.bypass):
            case ConvSpec() as around:
                return self.emit("Add", f"{fire.name}/bypass", [y, self.conv(around, x)])
            case True:
                return self.emit("Add", f"{fire.name}/bypass", [y, x])
        return y

    def conv(self, conv: ConvSpec, x: str) -> str:
        operands = [x, self.constant(f"{conv.name}.weight", self._weights[conv.name]),
                    self.constant(f"{conv.name}.bias", self._biases[conv.name])]
        y = self.emit("Conv", conv.name, operands, kernel_shape=[conv.kernel] * 2, strides=[conv.stride] * 2,
                      pads=[conv.pad] * 4)
        return self.emit("Relu", f"{conv.name}/relu", [y]) if conv.relu else y

    def pool(self, pool: PoolSpec, x: str) -> str:
        return self.emit("MaxPool", pool.name, [x], kernel_shape=[POOL_KERNEL] * 2, strides=[POOL_STRIDE] * 2,
                         ceil_mode=1)

    def emit(self, op_type: str, name: str, inputs: list[str], **attributes) -> str:
        self.nodes.append(helper.make_node(op_type, inputs, [f"{name}_out"], name=name, **attributes))
        return f"{name}_out"

    def constant(self, name: str, values: np.ndarray) -> str:
        self.initializers.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name
