"""A float ONNX network in PyTorch, batch by batch, with its weights as parameters.

It knows the operators that `quantize.float_model` leaves, and the shapes of batches of one: what those mean by a
leading 1 is the batch here. A Softmax at the end is left out: losses take scores.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch.nn import functional

from firelane.compiler.onnx_import.reader import label, read_input
from firelane.compiler.support.errors import ModelError

Attributes = dict[str, Any]
WEIGHTED = frozenset({"Conv", "Gemm", "MatMul"})        #: whose constants learn; those of others stay as they are


class TorchNetwork(torch.nn.Module):
    """The network of a model, which must end with a Softmax.

    Parameters
    ----------
    model : onnx.ModelProto
        In the form of `read_float_model`.

    Raises
    ------
    ModelError
        If it has an operator that is not known here.
    """

    def __init__(self, model: onnx.ModelProto):
        super().__init__()
        *nodes, last = model.graph.node
        assert last.op_type == "Softmax", "trained networks end so"
        self._model, self._nodes = model, nodes
        self._input, self._scores = read_input(model.graph).name, last.input[0]
        self._attributes = [{each.name: helper.get_attribute_value(each) for each in node.attribute} for node in nodes]
        self._constants: dict[str, np.ndarray] = {tensor.name: numpy_helper.to_array(tensor)
                                                  for tensor in model.graph.initializer}
        self._parameter: dict[str, torch.nn.Parameter] = {}
        for number, name in enumerate(_weights(nodes, self._constants)):
            parameter = torch.nn.Parameter(torch.from_numpy(self._constants[name].copy()))
            self.register_parameter(f"weight{number}", parameter)
            self._parameter[name] = parameter
        for node in nodes:
            if node.op_type not in OPERATORS:
                raise ModelError(label(node), "cannot be trained", hint="--layers last trains the last layer alone")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores (N, classes) of images (N, C, H, W)."""
        values: dict[str, Any] = {self._input: images, "": None}
        for node, attributes in zip(self._nodes, self._attributes):
            operands = [values[name] if name in values else self._constant(name, images.device) for name in node.input]
            found = OPERATORS[node.op_type](self, attributes, operands)
            values.update(zip(node.output, found if isinstance(found, tuple) else (found,)))
        return values[self._scores]

    def written(self) -> onnx.ModelProto:
        """The model with the weights as they are now."""
        copy = onnx.ModelProto()
        copy.CopyFrom(self._model)
        for tensor in copy.graph.initializer:
            if tensor.name in self._parameter:
                values = self._parameter[tensor.name].detach().cpu().numpy()
                tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), tensor.name))
        return copy

    def _constant(self, name: str, device: torch.device) -> torch.Tensor:
        if name in self._parameter:
            return self._parameter[name]
        return torch.from_numpy(np.array(self._constants[name])).to(device)


Compute = Callable[[TorchNetwork, Attributes, list[torch.Tensor]], torch.Tensor]     # an operator


def _weights(nodes: Sequence[onnx.NodeProto], constants: dict[str, np.ndarray]) -> list[str]:
    """Names of the constants that learn, once each."""
    return list(dict.fromkeys(name for node in nodes if node.op_type in WEIGHTED for name in node.input
                              if name in constants))


def _conv(network: TorchNetwork, said: Attributes, operands: list[torch.Tensor]) -> torch.Tensor:
    image, weight, *bias = operands
    strides, dilations = said.get("strides", [1, 1]), said.get("dilations", [1, 1])
    begin, end = _pads(said, image.shape[2:], weight.shape[2:], strides, dilations)
    return functional.conv2d(functional.pad(image, (begin[1], end[1], begin[0], end[0])), weight,
                             bias[0] if bias else None, strides, 0, dilations, said.get("group", 1))


def _pads(said: Attributes, sizes: Sequence[int], kernel: Sequence[int], strides: Sequence[int],
          dilations: Sequence[int]) -> tuple[list[int], list[int]]:
    """Rows and columns that are put before the map, and behind it."""
    kind = said.get("auto_pad", b"NOTSET")
    if kind in (b"NOTSET", b"VALID"):
        pads = said.get("pads", [0, 0, 0, 0]) if kind == b"NOTSET" else [0, 0, 0, 0]
        return list(pads[:2]), list(pads[2:])
    sums = [max((math.ceil(size / stride) - 1) * stride + (taps - 1) * dilation + 1 - size, 0)
            for size, taps, stride, dilation in zip(sizes, kernel, strides, dilations)]
    less, more = [value // 2 for value in sums], [value - value // 2 for value in sums]
    return (less, more) if kind == b"SAME_UPPER" else (more, less)


def _gemm(network: TorchNetwork, said: Attributes, operands: list[torch.Tensor]) -> torch.Tensor:
    values, weight, *bias = operands
    product = said.get("alpha", 1.0) * values @ (weight.T if said.get("transB") else weight)
    return product + said.get("beta", 1.0) * bias[0] if bias and bias[0] is not None else product


def _max_pool(network: TorchNetwork, said: Attributes, operands: list[torch.Tensor]) -> torch.Tensor:
    image, kernel, dilations = operands[0], said["kernel_shape"], said.get("dilations", [1, 1])
    strides = said.get("strides", [1, 1])
    begin, end = _pads(said, image.shape[2:], kernel, strides, dilations)
    around = functional.pad(image, (begin[1], end[1], begin[0], end[0]), value=-math.inf)
    return functional.max_pool2d(around, kernel, strides, 0, dilations, bool(said.get("ceil_mode")))


def _average_pool(network: TorchNetwork, said: Attributes, operands: list[torch.Tensor]) -> torch.Tensor:
    """Padding is counted, or there is none: the importer refuses anything else."""
    image, kernel, strides = operands[0], said["kernel_shape"], said.get("strides", [1, 1])
    begin, end = _pads(said, image.shape[2:], kernel, strides, [1, 1])
    around = functional.pad(image, (begin[1], end[1], begin[0], end[0]))
    return functional.avg_pool2d(around, kernel, strides, 0, bool(said.get("ceil_mode")))


def _clip(network: TorchNetwork, said: Attributes, operands: list[torch.Tensor]) -> torch.Tensor:
    low, high = ([*operands[1:], None, None])[:2]
    return torch.clamp(operands[0], low, high)


def _dropout(network: TorchNetwork, said: Attributes, operands: list[torch.Tensor]) -> torch.Tensor:
    ratio = float(operands[1]) if len(operands) > 1 and operands[1] is not None else said.get("ratio", 0.5)
    return functional.dropout(operands[0], ratio, network.training)


def _flatten(network: TorchNetwork, said: Attributes, operands: list[torch.Tensor]) -> torch.Tensor:
    return operands[0].flatten(said.get("axis", 1))


def _reshape(network: TorchNetwork, said: Attributes, operands: list[torch.Tensor]) -> torch.Tensor:
    image, sizes = operands[0], [int(size) for size in operands[1]]
    shape = [image.shape[axis] if size == 0 else size for axis, size in enumerate(sizes)]
    return image.reshape(len(image), *shape[1:])


def _concat(network: TorchNetwork, said: Attributes, operands: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat(operands, said["axis"])


def _transpose(network: TorchNetwork, said: Attributes, operands: list[torch.Tensor]) -> torch.Tensor:
    return operands[0].permute(*said["perm"])


def _leaky(network: TorchNetwork, said: Attributes, operands: list[torch.Tensor]) -> torch.Tensor:
    return functional.leaky_relu(operands[0], said.get("alpha", 0.01))


def _plain(function: Callable[..., torch.Tensor]) -> Compute:
    """The operator that is a function of its inputs alone."""
    return lambda network, said, operands: function(*operands)


OPERATORS: dict[str, Compute] = {
    "Add": _plain(torch.add), "AveragePool": _average_pool, "Clip": _clip, "Concat": _concat, "Conv": _conv,
    "Div": _plain(torch.div), "Dropout": _dropout, "Flatten": _flatten, "Gemm": _gemm,
    "GlobalAveragePool": _plain(lambda image: image.mean((2, 3), keepdim=True)), "LeakyRelu": _leaky,
    "MatMul": _plain(torch.matmul), "Max": _plain(torch.maximum), "MaxPool": _max_pool, "Min": _plain(torch.minimum),
    "Mul": _plain(torch.mul), "Relu": _plain(functional.relu), "Reshape": _reshape, "Sub": _plain(torch.sub),
    "Transpose": _transpose,
}
