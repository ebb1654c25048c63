"""Mean, scale and channel order of a float network's input, moved into its first convolution.

A channel-wise scaling that stands first in the graph (see `compiler.quantize.channel_scalings`) joins the recorded
mean and scale before that.

Where x = (p - mean) * scale, sum w x + b = sum (w scale) p + (b - sum w scale mean), which holds where every tap of the
filter sees a pixel: if the convolution has no padding. Then the network takes raw pixels, and uint8 is exact for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

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
    model = _with_scaling_recorded(model)
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


def _with_scaling_recorded(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose first layer, if it does no more than scale channels, is part of the recorded preprocessing.

    With x = (p - mean) * scale and y = a x + b, y = (p - (mean - b / (a scale))) * (a scale).
    """
    recorded, conv = preprocessing_of(metadata(model)), _first_conv(model.graph)
    if recorded is None or conv is None or not _scales_channels(model.graph, conv, CHANNELS[recorded.channels]):
        return model
    constants = _constants(model.graph)
    factor, offset = (numpy_helper.to_array(constants[name]).astype(np.float64).ravel() for name in conv.input[1:3])
    mean, scale = recorded.per_channel()
    if np.any(factor == 0):
        return model
    mean, scale = mean - offset / (factor * scale), factor * scale
    model = record_preprocessing(model, replace(recorded, mean=tuple(mean.tolist()), scale=tuple(scale.tolist())))
    first, source = _first_conv(model.graph), conv.input[0]
    assert first is not None, "the copy has what the model had"
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            if name == first.output[0]:
                node.input[index] = source
    model.graph.node.remove(first)
    read = {name for node in model.graph.node for name in node.input}
    for name in set(conv.input[1:]) - read:
        model.graph.initializer.remove(_constants(model.graph)[name])
    return model


def _scales_channels(graph: onnx.GraphProto, conv: onnx.NodeProto, channels: int) -> bool:
    """Whether a convolution with a bias is depthwise, 1x1, and moves nothing."""
    said = {attribute.name: attribute for attribute in conv.attribute}
    moves = any(any(value != rest for value in said[name].ints) for name, rest in (("pads", 0), ("strides", 1))
                if name in said)
    weight = _constants(graph)[conv.input[1]]
    return (list(weight.dims) == [channels, 1, 1, 1] and len(conv.input) == 3 and not moves and "auto_pad" not in said
            and conv.output[0] not in {value.name for value in graph.output})


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
