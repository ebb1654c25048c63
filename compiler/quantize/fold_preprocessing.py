"""Mean, scale and channel order of a float network's input, moved into its first convolution.

Where x = (p - mean) * scale, sum w x + b = sum (w scale) p + (b - sum w scale mean), which holds where every tap of the
filter sees a pixel: if the convolution has no padding. Then the network takes raw pixels, and uint8 is exact for them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import numpy_helper

from firelane.compiler.frame_io.preprocessing import CHANNELS, Preprocessing, preprocessing_of, record_preprocessing

__all__ = ["can_fold", "fold_preprocessing"]


def can_fold(model: onnx.ModelProto) -> bool:
    """Whether the recorded preprocessing can be moved into the first layer exactly."""
    recorded, conv = preprocessing_of(metadata(model)), _first_conv(model.graph)
    if recorded is None or conv is None:
        return False
    attributes = {attribute.name: attribute for attribute in conv.attribute}
    padded = any(attributes["pads"].ints) if "pads" in attributes else False
    automatic = attributes["auto_pad"].s not in (b"NOTSET", b"VALID") if "auto_pad" in attributes else False
    grouped = attributes["group"].i != 1 if "group" in attributes else False
    weight = _constants(model.graph).get(conv.input[1])
    return (not padded and not automatic and not grouped and weight is not None and len(weight.dims) == 4
            and weight.dims[1] == CHANNELS[recorded.channels] and _only_reader(model.graph, conv.input[1:]))


def fold_preprocessing(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that takes gray or RGB pixels 0..255, and says so; `model` itself where there is nothing to fold."""
    recorded = preprocessing_of(metadata(model))
    if recorded is None or recorded.takes_pixels or not can_fold(model):
        return model
    plain = Preprocessing(channels="gray" if recorded.channels == "gray" else "RGB", resize=recorded.resize)
    model = record_preprocessing(model, plain)
    conv = _first_conv(model.graph)
    assert conv is not None, "can_fold has found it"
    _fold(model.graph, conv, recorded)
    return model


def _fold(graph: onnx.GraphProto, conv: onnx.NodeProto, recorded: Preprocessing) -> None:
    """Change weights and bias of the first convolution, in place."""
    constants = _constants(graph)
    weight = numpy_helper.to_array(constants[conv.input[1]]).astype(np.float64)
    mean, scale = recorded.per_channel()
    weight = weight * scale[:, None, None]
    offset = np.einsum("oikl,i->o", weight, mean)
    if recorded.channels == "BGR":
        weight = weight[:, ::-1]
    if len(conv.input) > 2 and conv.input[2]:
        bias = numpy_helper.to_array(constants[conv.input[2]]).astype(np.float64)
        _store(constants[conv.input[2]], bias - offset)
    else:
        name = f"{conv.input[1]}.bias"
        graph.initializer.append(numpy_helper.from_array(np.asarray(-offset, np.float32), name))
        conv.input[:] = [*conv.input[:2], name]
    _store(constants[conv.input[1]], weight)


def metadata(model: onnx.ModelProto) -> dict[str, str]:
    """The model's metadata by key."""
    return {entry.key: entry.value for entry in model.metadata_props}


def _constants(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    return {tensor.name: tensor for tensor in graph.initializer}


def _first_conv(graph: onnx.GraphProto) -> onnx.NodeProto | None:
    """The convolution that alone reads the graph's one input, its parameters being initializers."""
    constants = _constants(graph)
    inputs = [value.name for value in graph.input if value.name not in constants]
    readers = [node for node in graph.node if set(node.input) & set(inputs)]
    if len(inputs) != 1 or len(readers) != 1 or readers[0].op_type != "Conv":
        return None
    known = all(name in constants for name in readers[0].input[1:] if name)
    return readers[0] if known and readers[0].input[0] == inputs[0] else None


def _only_reader(graph: onnx.GraphProto, names: Iterable[str]) -> bool:
    read = [name for node in graph.node for name in node.input]
    return all(read.count(name) == 1 for name in names if name)


def _store(tensor: onnx.TensorProto, values: np.ndarray) -> None:
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), tensor.name))
