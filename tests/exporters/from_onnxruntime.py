"""ONNX Runtime's own quantizer, `quantize_static`, in its forms; run in the project's environment, and by its tests."""

from __future__ import annotations

import logging
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from firelane.sim.qdq_form import in_qdq_form
from tests.exporters.float_networks import POOLED, SIDE, Feeds, classifier, images
from tests.exporters.recipe import NO_EXPORT, REFUSED, RIGHT, Made, Recipe, hand_over
from tests.float_models import small_squeezenet

QDQ, QOPERATOR = QuantFormat.QDQ, QuantFormat.QOperator
S8, U8, S4, U4, S16 = QuantType.QInt8, QuantType.QUInt8, QuantType.QInt4, QuantType.QUInt4, QuantType.QInt16
NAMES = {S8: "int8", U8: "uint8", S4: "int4", U4: "uint4", S16: "int16"}
DENSE = classifier(*POOLED, ("Gemm", {}))


def quantized(model: onnx.ModelProto, form: QuantFormat = QDQ, prepare: bool = False, **options: Any) -> Made:
    """The model after `quantize_static`; `prepare`: after `quant_pre_process`, too."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "float.onnx"), Path(folder, "quantized.onnx")
        onnx.save(model, source)
        if prepare:
            quant_pre_process(source, source, skip_symbolic_shape=True)
        logging.disable(logging.WARNING)                 # advice to the root logger
        try:
            quantize_static(source, target, Feeds(), quant_format=form, **options)
        finally:
            logging.disable(logging.NOTSET)
        result = onnx.load(target)
    return Made(result, images(), outputs(result))


def dynamic(model: onnx.ModelProto) -> Made:
    """The model after `quantize_dynamic`, which leaves activations to run time."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "float.onnx"), Path(folder, "quantized.onnx")
        onnx.save(model, source)
        quantize_dynamic(source, target)
        result = onnx.load(target)
    return Made(result, images(), outputs(result))


def outputs(model: onnx.ModelProto) -> np.ndarray:
    """What ONNX Runtime computes without optimization.

    Its integer kernels of QOperator saturate sums of 16 bits on some processors: there it computes the same network
    written out as QDQ.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(in_qdq_form(model).SerializeToString(), options, ["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"image": image[None]})[0] for image in images()])


def _types(form: QuantFormat) -> list[Recipe]:
    """All types of activations and weights, a scale for each tensor and for each channel."""
    model = small_squeezenet(SIDE)
    found = {(S8, U8, False): NO_EXPORT, (S8, U8, True): NO_EXPORT, (U8, U8, False): REFUSED}    # not symmetric
    return [Recipe(f"{form.name}, activations {NAMES[activations]}, weights {NAMES[weights]}, a scale for each "
                   f"{'channel' if per_channel else 'tensor'}",
                   partial(quantized, model, form, activation_type=activations, weight_type=weights,
                           per_channel=per_channel), found.get((activations, weights, per_channel), RIGHT))
            for activations in (U8, S8) for weights in (S8, U8) for per_channel in (False, True)]


def _small(variant: str, model: onnx.ModelProto, form: QuantFormat = QDQ,
           expect: str = "right", complete: bool = False, **options: Any) -> Recipe:
    options = {"activation_type": U8, "weight_type": S8, "per_channel": True, **options}
    return Recipe(f"{form.name}, {variant}", partial(quantized, model, form, **options), expect, complete)


def recipes() -> list[Recipe]:
    """The recipes of this tool."""
    net = small_squeezenet(SIDE)
    extra = lambda **options: {"extra_options": options}                                     # noqa: E731
    found = [*_types(QDQ), *_types(QOPERATOR)]
    for form in (QDQ, QOPERATOR):
        found += [_small("`reduce_range`", net, form, reduce_range=True),
                  _small("Conv alone quantized, completed by `firelane quantize`", net, form, complete=True,
                         op_types_to_quantize=["Conv"]),
                  _small("last Conv not quantized, completed by `firelane quantize`", net, form, complete=True,
                         nodes_to_exclude=["conv10"]),
                  _small("Gemm", DENSE, form), _small("MatMul", classifier(*POOLED, ("MatMul", {})), form),
                  _small("Softmax", classifier(*POOLED, ("Gemm", {}), ("Softmax", {})), form),
                  _small("Sigmoid", classifier(*POOLED, ("Gemm", {}), ("Sigmoid", {})), form),
                  _small("AveragePool", classifier(("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2]}),
                                                   *POOLED, ("Gemm", {})), form),
                  _small("Mul and Add by channel", classifier(("Mul", {}), ("Add", {}), *POOLED, ("Gemm", {})), form),
                  _small("LeakyRelu", classifier(("LeakyRelu", {"alpha": 0.1}), *POOLED, ("Gemm", {})), form)]
    found += [_small("Clip of [0, 0.5]", classifier(("Clip", {}), *POOLED, ("Gemm", {}))),
              _small("`ActivationSymmetric`", net, activation_type=S8, **extra(ActivationSymmetric=True)),
              _small("weights uint8, a scale for each tensor, `WeightSymmetric`", net, weight_type=U8,
                     per_channel=False, **extra(WeightSymmetric=True)),
              _small("weights int4", classifier(*POOLED, ("Gemm", {}), opset=21), weight_type=S4),
              _small("weights uint4", classifier(*POOLED, ("Gemm", {}), opset=21), weight_type=U4),
              _small("activations int16", DENSE, expect=REFUSED, activation_type=S16),
              _small("`CalibrationMethod.Entropy`", net, calibrate_method=CalibrationMethod.Entropy),
              _small("`CalibrationMethod.Percentile`", net, calibrate_method=CalibrationMethod.Percentile),
              _small("`QuantizeBias` False", net, **extra(QuantizeBias=False)),
              _small("`AddQDQPairToWeight`", net, **extra(AddQDQPairToWeight=True)),
              _small("`DedicatedQDQPair`", net, **extra(DedicatedQDQPair=True)),
              _small("`QDQKeepRemovableActivations`", net, **extra(QDQKeepRemovableActivations=True)),
              _small("`UseQDQContribOps`", net, **extra(UseQDQContribOps=True)),
              _small("`OpTypesToExcludeOutputQuantization` of Gemm, completed by `firelane quantize`", DENSE,
                     complete=True, **extra(OpTypesToExcludeOutputQuantization=["Gemm"])),
              _small("after `quant_pre_process`", net, prepare=True),
              Recipe("`quantize_dynamic`", partial(dynamic, DENSE), REFUSED)]
    return found


if __name__ == "__main__":
    hand_over("ONNX Runtime `quantize_static`", onnxruntime.__version__, recipes())
