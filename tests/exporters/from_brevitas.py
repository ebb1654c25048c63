"""Brevitas: networks for quantization-aware training, exported by `export_onnx_qcdq`."""

from __future__ import annotations

import io
from functools import partial
from importlib.metadata import version

import brevitas.nn as qnn
import numpy as np
import onnx
import torch
from brevitas.export import export_onnx_qcdq
from brevitas.quant import (
    Int8ActPerTensorFloat,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFloat,
    Int32Bias,
    Uint8ActPerTensorFloat,
)
from torch import nn

from tests.exporters.from_pytorch import CLASSES, images
from tests.exporters.recipe import NO_EXPORT, Made, Recipe, hand_over


class Fire(nn.Module):
    """SqueezeNet's module; both halves leave through one quantizer, so that they share a scale."""

    def __init__(self, channels: int, squeezed: int, expanded: int, options: dict, bits: int):
        super().__init__()
        self.squeeze = qnn.QuantConv2d(channels, squeezed, 1, **options)
        self.middle = qnn.QuantReLU(act_quant=Uint8ActPerTensorFloat, bit_width=bits, return_quant_tensor=True)
        self.left = qnn.QuantConv2d(squeezed, expanded, 1, **options)
        self.right = qnn.QuantConv2d(squeezed, expanded, 3, padding=1, **options)
        self.last = qnn.QuantReLU(act_quant=Uint8ActPerTensorFloat, bit_width=bits, return_quant_tensor=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.middle(self.squeeze(x))
        return torch.cat([self.last(self.left(x)), self.last(self.right(x))], 1)


class Small(nn.Module):
    """A convolution, two Fire modules, a classifier; the input and the result are quantized as well."""

    def __init__(self, weight_bits: int, bits: int, *, per_channel: bool, bias: bool, output: bool):
        super().__init__()
        options = {"weight_quant": Int8WeightPerChannelFloat if per_channel else Int8WeightPerTensorFloat,
                   "weight_bit_width": weight_bits, "bias_quant": Int32Bias if bias else None,
                   "return_quant_tensor": bias}
        self.image = qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, return_quant_tensor=True)
        self.first = qnn.QuantConv2d(3, 32, 3, stride=2, **options)
        self.relu = qnn.QuantReLU(act_quant=Uint8ActPerTensorFloat, bit_width=bits, return_quant_tensor=True)
        self.pool = nn.MaxPool2d(3, 2)
        self.fires = nn.Sequential(Fire(32, 8, 16, options, bits), Fire(32, 8, 16, options, bits))
        self.last = qnn.QuantConv2d(32, CLASSES, 3, **options)
        self.result = qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat) if output else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.fires(self.pool(self.relu(self.first(self.image(x)))))
        x = self.last(x)
        x = getattr(x, "value", x) if self.result is None else self.result(x)
        return x.flatten(1)


def exported(weight_bits: int, bits: int, *, per_channel: bool = True, bias: bool = True, output: bool = True,
             dynamo: bool = False) -> Made:
    """A network of so many bits, calibrated by a few images in training mode, and what it computes."""
    torch.manual_seed(0)
    module = Small(weight_bits, bits, per_channel=per_channel, bias=bias, output=output)
    inputs = torch.from_numpy(images())
    with torch.no_grad():
        for _ in range(4):
            module.train()(inputs)
        outputs = module.eval()(inputs)
    file = io.BytesIO()
    export_onnx_qcdq(module, args=inputs[:1], export_path=file, dynamo=dynamo)
    return Made(onnx.load_from_string(file.getvalue()), inputs.numpy(), np.asarray(outputs.detach()))


def recipes() -> list[Recipe]:
    """The recipes of this tool."""
    found = [Recipe(f"weights of {weights} bits, activations of {bits}, a scale for each "
                    f"{'channel' if per_channel else 'tensor'}, bias {'int32' if bias else 'float'}, "
                    f"`dynamo={dynamo}`",
                    partial(exported, weights, bits, per_channel=per_channel, bias=bias, dynamo=dynamo))
             for dynamo, bias in ((False, True), (False, False), (True, False))
             for weights, bits in ((8, 8), (4, 8), (4, 4)) for per_channel in (False, True)]
    return [*found, Recipe("no quantizer of the output, completed by `firelane quantize`, `dynamo=False`",
                           partial(exported, 8, 8, output=False), complete=True),
            Recipe("bias int32, `dynamo=True`", partial(exported, 8, 8, dynamo=True), NO_EXPORT)]


if __name__ == "__main__":
    hand_over("Brevitas `export_onnx_qcdq`", version("brevitas"), recipes())
