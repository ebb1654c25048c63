"""Quantization of a float ONNX model to standard QDQ ONNX, through ONNX Runtime's `quantize_static`.

int8 weights, symmetric, a scale per output channel, so that zeros stay zeros; uint8 activations, a scale per tensor,
whose ranges come from `compiler.quantize.calibration` and `compiler.quantize.scale_groups`. A model that takes raw
pixels (see `compiler.quantize.fold_preprocessing`) gets an input quantizer of scale 1, zero point 0: pixels are the
quantized input.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

from firelane.compiler.frame_io.preprocessing import preprocessing_of
from firelane.compiler.onnx_import import graph_of
from firelane.compiler.onnx_import.reader import one_line, read_input
from firelane.compiler.quantize.calibration import Method, calibrate
from firelane.compiler.quantize.clamps import put_back_clamps
from firelane.compiler.quantize.float_model import quiet_root_logger
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.quantize.partly_quantized import completed, is_quantized
from firelane.compiler.quantize.scale_groups import scale_groups
from firelane.compiler.support.errors import ModelError

__all__ = ["quantize"]

WEIGHT_STEPS = 127


def quantize(model: onnx.ModelProto, images: Sequence[np.ndarray], *, method: Method = Method.MINMAX,
             progress: Callable[[str, int], None] = lambda stage, done: None) -> onnx.ModelProto:
    """The QDQ model of a float model, with the same metadata.

    Parameters
    ----------
    model : as `read_calibrated` gives it; of one that is quantized in part, only the rest is quantized
    images : float32 (C, H, W) each, values of the model's input; read once or twice
    progress : called with the name of a stage and how many images are done in it

    Raises
    ------
    ModelError
        If ONNX Runtime cannot quantize it, or the compiler would refuse the result.
    """
    if is_quantized(model):
        return _checked(completed(model, images, method, progress))
    source = read_input(model.graph)
    groups = scale_groups(model.graph)
    ranges = groups.shared(calibrate(model, groups.computed_with, images, method, progress))
    overrides: dict[str, list[dict[str, Any]]]
    overrides = {name: [{"rmin": np.float32(low), "rmax": np.float32(high)}] for name, (low, high) in ranges.items()}
    recorded = preprocessing_of(metadata(model))
    if recorded is not None and recorded.takes_pixels:
        for name in groups.of(source.name):
            overrides[name] = [{"scale": np.array(1, np.float32), "zero_point": np.array(0, np.uint8)}]
    feed = {source.name: np.asarray(images[0], np.float32)[None]}
    quantized = _quantize_static(model, feed, overrides)
    _mend_empty_channels(quantized.graph, model.graph)
    put_back_clamps(quantized.graph, model.graph)
    onnx.helper.set_model_props(quantized, metadata(model))
    return _checked(quantized)


def _checked(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, if the compiler reads it: it is refused now, not when it is compiled."""
    graph_of(model, Path(model.graph.name or "model"))
    return model


def _quantize_static(model: onnx.ModelProto, feed: dict[str, np.ndarray], overrides: dict) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder, quiet_root_logger():
        float_path, path = Path(folder, "float.onnx"), Path(folder, "qdq.onnx")
        onnx.save(model, float_path)
        try:
            quantize_static(float_path, path, _OneImage(feed), quant_format=QuantFormat.QDQ, per_channel=True,
                            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                            calibrate_method=CalibrationMethod.MinMax,
                            extra_options={"WeightSymmetric": True, "ActivationSymmetric": False,
                                           "TensorQuantOverrides": overrides})
        except Exception as error:                       # of any kind: foreign code that met an unusual graph
            raise ModelError(model.graph.name or "model", f"ONNX Runtime cannot quantize it ({one_line(error)})",
                             hint="see onnxruntime.quantization") from error
        return onnx.load(path)


class _OneImage:
    """ONNX Runtime's calibration reader: its ranges are overridden, but it wants to see something."""

    def __init__(self, feed: dict[str, np.ndarray]):
        self._feeds = iter([feed])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._feeds, None)


def _mend_empty_channels(quantized: onnx.GraphProto, original: onnx.GraphProto) -> None:
    """Give output channels whose weights are all 0 a useful scale, in place.

    ONNX Runtime gives them a weight scale of 1, so that their bias, a constant of the network, is rounded to steps of
    the input's scale. They get the largest scale of the layer's other channels instead.
    """
    tensors = {tensor.name: tensor for tensor in quantized.initializer}
    floats = {tensor.name: tensor for tensor in original.initializer}
    made_by = {node.output[0]: node for node in quantized.node if node.op_type == "DequantizeLinear"}
    biases = {node.name: node.input[2] for node in original.node if node.op_type == "Conv" and len(node.input) > 2}
    for node in quantized.node:
        parts = [made_by[name] for name in node.input if name in made_by]
        if node.op_type != "Conv" or node.name not in biases or len(node.input) != 3 or len(parts) != 3:
            continue
        x, weight, bias = parts
        names = (weight.input[0], weight.input[1], x.input[1], bias.input[0], bias.input[1])
        if all(name in tensors for name in names) and biases[node.name] in floats:
            _mend(_Parameters(weight=tensors[weight.input[0]], weight_scale=tensors[weight.input[1]],
                              input_scale=tensors[x.input[1]], bias=tensors[bias.input[0]],
                              bias_scale=tensors[bias.input[1]], original_bias=floats[biases[node.name]]))


class _Parameters(NamedTuple):
    """The constants of one quantized convolution, and its bias before quantization."""

    weight: onnx.TensorProto
    weight_scale: onnx.TensorProto
    input_scale: onnx.TensorProto
    bias: onnx.TensorProto
    bias_scale: onnx.TensorProto
    original_bias: onnx.TensorProto


def _mend(conv: _Parameters) -> None:
    scales = numpy_helper.to_array(conv.weight_scale).copy()
    real = numpy_helper.to_array(conv.original_bias).astype(np.float64)
    empty = ~numpy_helper.to_array(conv.weight).any(axis=(1, 2, 3))
    if not empty.any() or scales.shape != empty.shape:
        return
    step = float(numpy_helper.to_array(conv.input_scale))
    largest = np.max(scales[~empty], initial=0.0) or np.max(np.abs(real)) / step / WEIGHT_STEPS / WEIGHT_STEPS or 1.0
    scales[empty] = largest
    integers = numpy_helper.to_array(conv.bias).copy()
    bias_scales = numpy_helper.to_array(conv.bias_scale).copy()
    bias_scales[empty] = scales[empty] * np.float32(step)
    limits = np.iinfo(np.int32)
    integers[empty] = np.clip(np.rint(real[empty] / bias_scales[empty]), limits.min, limits.max)
    for tensor, values in ((conv.weight_scale, scales), (conv.bias, integers), (conv.bias_scale, bias_scales)):
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
