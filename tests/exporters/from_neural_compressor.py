"""Intel Neural Compressor: its package for ONNX, onnx-neural-compressor."""

from __future__ import annotations

import tempfile
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx_neural_compressor import data_reader
from onnx_neural_compressor.quantization import QuantFormat, QuantType, config, quantize

from tests.exporters.float_networks import POOLED, SIDE, Feeds, classifier, images
from tests.exporters.recipe import NO_EXPORT, RIGHT, Made, Recipe, hand_over
from tests.float_models import small_squeezenet

QDQ, QOPERATOR = QuantFormat.QDQ, QuantFormat.QOperator


class Reader(Feeds, data_reader.CalibrationDataReader):
    """Feeds of the calibration."""


def quantized(model: onnx.ModelProto, form: QuantFormat, **options: Any) -> Made:
    """The model after `quantize` with a `StaticQuantConfig`, and what ONNX Runtime makes of it without optimization."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "float.onnx"), Path(folder, "quantized.onnx")
        onnx.save(model, source)
        quantize(str(source), str(target), config.StaticQuantConfig(
            calibration_data_reader=Reader(), quant_format=form, **options))
        result = onnx.load(target)
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(result.SerializeToString(), settings, ["CPUExecutionProvider"])
    return Made(result, images(), np.concatenate([session.run(None, {"image": image[None]})[0] for image in images()]))


def recipes() -> list[Recipe]:
    """The recipes of this tool."""
    networks = {"small SqueezeNet": small_squeezenet(SIDE), "Gemm": classifier(*POOLED, ("Gemm", {})),
                "Softmax": classifier(*POOLED, ("Gemm", {}), ("Softmax", {}))}
    refused = {(QDQ, "Gemm", True), (QDQ, "Softmax", True)}            # by ONNX Runtime: the axis of the bias' scales
    return [Recipe(f"{form.name}, {name}, a scale for each {'channel' if per_channel else 'tensor'}",
                   partial(quantized, model, form, per_channel=per_channel, weight_type=QuantType.QInt8),
                   NO_EXPORT if (form, name, per_channel) in refused else RIGHT)
            for form in (QDQ, QOPERATOR) for name, model in networks.items() for per_channel in (False, True)]


if __name__ == "__main__":
    hand_over("Intel Neural Compressor, onnx-neural-compressor", version("onnx-neural-compressor"), recipes())
