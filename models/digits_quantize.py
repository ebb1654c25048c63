"""Float ONNX -> QDQ ONNX with ONNX Runtime's own static quantizer, exactly as a user would call it."""

import json
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import (CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType,
                                      quantize_static)

from models.digits import Digits, to_network_input

__all__ = ["INPUT_RECORD", "quantize"]

INPUT_RECORD = {"layout": "NHWC", "channels": "gray", "scale": 1.0, "mean": [0.0]}


class _Images(CalibrationDataReader):
    """Feeds `image` float32 (1, 1, 56, 56), one training image after the other."""

    def __init__(self, images: np.ndarray):
        self._batches = iter(to_network_input(images))

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self._batches, None)
        return None if image is None else {"image": image[np.newaxis]}


def quantize(model: onnx.ModelProto, data: Digits) -> onnx.ModelProto:
    """Per-channel symmetric int8 weights, uint8 activations with the ranges seen on `data`.

    Because `data` holds background (0) and full ink (255), the input quantizer gets scale 1 and zero point 0:
    raw pixels are already the quantized input.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "float.onnx"), Path(folder, "qdq.onnx")
        onnx.save(model, source)
        quantize_static(source, target, _Images(data.images), quant_format=QuantFormat.QDQ, per_channel=True,
                        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                        calibrate_method=CalibrationMethod.MinMax,
                        extra_options={"WeightSymmetric": True, "ActivationSymmetric": False})
        quantized = onnx.load(target)
    onnx.helper.set_model_props(quantized, {"firelane.input": json.dumps(INPUT_RECORD)})
    onnx.checker.check_model(quantized, full_check=True)
    return quantized
