"""PyTorch's own quantizers: FX graph mode (fbgemm, qnnpack) and pt2e, which is in torchao."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

import onnx
import torch
from torch import nn

from tests.exporters.from_pytorch import Net, Small, images, seeded
from tests.exporters.recipe import Made, Recipe, hand_over


def fx(engine: str, model: Callable[[], nn.Module], opset: int = 17) -> Made:
    """`prepare_fx`, `convert_fx`, and the legacy exporter."""
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    torch.backends.quantized.engine = engine
    module, inputs = seeded(model), torch.from_numpy(images())
    prepared = prepare_fx(module, get_default_qconfig_mapping(engine), (inputs[:1],))
    with torch.no_grad():
        prepared(inputs)
        quantized = convert_fx(prepared)
        outputs = quantized(inputs)
    file = io.BytesIO()
    torch.onnx.export(quantized, (inputs[:1],), file, dynamo=False, opset_version=opset, input_names=["image"],
                      output_names=["result"])
    return Made(onnx.load_from_string(file.getvalue()), inputs.numpy(), outputs.numpy())


def pt2e(quantizer: Callable[[], object], model: Callable[[], nn.Module], opset: int | None = None) -> Made:
    """`prepare_pt2e`, `convert_pt2e`, and the exporter of today."""
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    module, inputs = seeded(model), torch.from_numpy(images())
    prepared = prepare_pt2e(torch.export.export(module, (inputs[:1],)).module(), quantizer())
    with torch.no_grad():
        for image in inputs:
            prepared(image[None])
        quantized = convert_pt2e(prepared)
        outputs = torch.cat([quantized(image[None]) for image in inputs])
    graph = torch.onnx.export(quantized, (inputs[:1],), dynamo=True, verbose=False, opset_version=opset,
                              input_names=["image"], output_names=["result"]).model_proto
    return Made(graph, inputs.numpy(), outputs.numpy())


def xnnpack(*, per_channel: bool) -> object:
    """The quantizer of ExecuTorch, of which torchao has a copy."""
    from torchao.testing.pt2e._xnnpack_quantizer import XNNPACKQuantizer, get_symmetric_quantization_config

    return XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=per_channel))


def x86() -> object:
    """The quantizer for Intel's processors."""
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer

    config = x86_inductor_quantizer.get_default_x86_inductor_quantization_config()
    return x86_inductor_quantizer.X86InductorQuantizer().set_global(config)


def recipes() -> list[Recipe]:
    """The recipes of these tools."""
    found = [Recipe(f"FX, {engine}, {name}", partial(fx, engine, model))
             for engine in ("fbgemm", "qnnpack") for name, model in (("small SqueezeNet", Small), ("Linear", Net))]
    quantizers = {"`XNNPACKQuantizer`, a scale for each tensor": partial(xnnpack, per_channel=False),
                  "`XNNPACKQuantizer`, a scale for each channel": partial(xnnpack, per_channel=True),
                  "`X86InductorQuantizer`, completed by `firelane quantize`": x86}
    return found + [Recipe(f"pt2e, {quantizer}, {name}", partial(pt2e, make, model), complete=make is x86)
                    for quantizer, make in quantizers.items()
                    for name, model in (("small SqueezeNet", Small), ("Linear", Net))]


if __name__ == "__main__":
    hand_over("PyTorch quantization: FX and torchao", f"{torch.__version__.partition('+')[0]}, {version('torchao')}",
              recipes())
