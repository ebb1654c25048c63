"""Channels of one map given one range, by scales moved between layers: exact in real numbers.

A map has one scale for all its channels, so that a channel with a tenth of the largest one's range has a tenth of its
steps. Where the layers before and behind allow it (`channel_ties`) each channel is multiplied by what its range lacks,
in the layer that makes it, and divided by it in those that read it. After Nagel et al., Data-Free Quantization Through
Weight Equalization and Bias Correction (arXiv 1906.04721), with ranges of activations in place of weights.

The model remembers the factors, as powers of 2 ** (1 / `OCTAVE`): who compares a map with that of the network as it was
has to know them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import onnx
from onnx import numpy_helper

from firelane.compiler.onnx_import.standard import shapes_of
from firelane.compiler.quantize.calibration import channel_ranges
from firelane.compiler.quantize.channel_ties import FIXED, LAYERS, ChannelTies, channel_ties, weight_axes
from firelane.compiler.quantize.scale_groups import ScaleGroups, scale_groups

__all__ = ["FACTORS_KEY", "channel_factors", "equalised", "on_grid"]

FACTORS_KEY = "firelane.channel_factors"    #: of metadata: JSON, an exponent for each channel by tensor
SHARE = 0.5                 #: of the octaves that a channel's range lacks: the rest is left to the weights that read it
OCTAVE = 8                  #: factors are whole powers of 2 ** (1 / OCTAVE)
WEIGHT_STEPS = 127
GRID_LEVELS = 31            #: int8 weights other than 0 of a layer that was trained to a grid
MOST = 64.0                 #: a channel that hardly ever is anything but 0 must not have more than this


def equalised(model: onnx.ModelProto, images: Sequence[np.ndarray],
              progress: Callable[[str, int], None] = lambda stage, done: None) -> onnx.ModelProto:
    """A copy of a float model that gives the same, its maps' channels scaled; the model itself where none can be.

    Parameters
    ----------
    model : as `read_calibrated` gives it, not quantized in any part
    images : float32 (C, H, W) each, values of its input
    progress : called with the name of the stage and how many images are done

    Raises
    ------
    ModelError
        As `calibrate` does.
    """
    groups, ties = scale_groups(model.graph), channel_ties(model.graph, shapes_of(model))
    tensors = [name for name in groups.computed_with if (ties.of(name) != FIXED).any()]
    if not tensors:
        return model
    exponents = exponents_of(ties, groups, channel_ranges(model, tensors, images, progress))
    return _recorded(scaled(model, ties, np.exp2(exponents / OCTAVE)), ties, exponents) if exponents.any() else model


def on_grid(model: onnx.ModelProto) -> bool:
    """Whether weights were trained to a few levels, which scaled columns would make many, and the ROM larger.

    So it is if no layer has more than `GRID_LEVELS` int8 weights other than 0, of one scale for each output channel.
    """
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    return all(_levels(node, numpy_helper.to_array(tensors[node.input[1]])) <= GRID_LEVELS
               for node in model.graph.node if node.op_type in LAYERS and node.input[1] in tensors)


def _levels(node: onnx.NodeProto, weight: np.ndarray) -> int:
    """How many int8 weights other than 0 a layer has."""
    rows = weight_axes(node, weight.ndim)[1]
    by_row = np.moveaxis(weight, rows, 0).reshape(weight.shape[rows], -1)
    largest = np.abs(by_row).max(axis=1, keepdims=True)
    return int(np.count_nonzero(np.unique(np.rint(by_row / np.where(largest > 0, largest, 1) * WEIGHT_STEPS))))


def channel_factors(metadata: Mapping[str, str]) -> dict[str, np.ndarray]:
    """What the channels of a model's maps were multiplied by: float64 (C,) by tensor; those that are missing were not.

    What is no such record counts as none.
    """
    try:
        found = json.loads(metadata.get(FACTORS_KEY, "{}"))
        return {str(name): np.exp2(np.array(exponents, np.float64) / OCTAVE) for name, exponents in found.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def exponents_of(ties: ChannelTies, groups: ScaleGroups, ranges: Mapping[str, np.ndarray]) -> np.ndarray:
    """The exponent of each class's factor, int64 (classes,): its range becomes that of its map's largest channel.

    Parameters
    ----------
    ranges : float64 (C,) of tensors of `groups.computed_with`: the magnitude that a channel's values have
    """
    lacking = np.full(ties.count, np.inf)
    for group in groups.groups:
        found = np.zeros(ties.count)
        for name in group:
            if name in ranges:
                np.maximum.at(found, np.broadcast_to(ties.of(name), len(ranges[name])), ranges[name])
        present = found > 0
        lacking[present] = np.minimum(lacking[present], found.max() / found[present])
    lacking[~np.isfinite(lacking)] = 1                  # never anything but 0
    lacking[FIXED] = 1
    return np.floor(OCTAVE * SHARE * np.log2(np.minimum(lacking, MOST))).astype(np.int64)


def scaled(model: onnx.ModelProto, ties: ChannelTies, by_class: np.ndarray) -> onnx.ModelProto:
    """A copy whose channels are multiplied by the factors of their classes; it gives the same."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    tensors = {tensor.name: tensor for tensor in copy.graph.initializer}
    for node in copy.graph.node:
        if node.op_type in LAYERS and all(name in tensors for name in node.input[1:] if name):
            _scale_layer(node, tensors, by_class[ties.of(node.input[0])], by_class[ties.of(node.output[0])])
    return copy


def _scale_layer(node: onnx.NodeProto, tensors: dict[str, onnx.TensorProto], read: np.ndarray,
                 made: np.ndarray) -> None:
    """Divide the columns of a layer's weight by what its input's channels are multiplied by; rows, bias times `made`.

    `read`, `made` float64 (C,), or (1,) for all.
    """
    if (read == 1).all() and (made == 1).all():
        return
    weight = numpy_helper.to_array(tensors[node.input[1]]).astype(np.float64)
    columns, rows = weight_axes(node, weight.ndim)
    if node.op_type == "Conv" and len(read) > 1:        # a group's rows read its channels
        groups = len(read) // weight.shape[1]
        read = np.repeat(read.reshape(groups, -1), len(weight) // groups, axis=0)
        weight = weight / read.reshape(*read.shape, *[1] * (weight.ndim - 2))
    else:
        weight = weight / _along(read, columns, weight.ndim)
    _put(tensors[node.input[1]], weight * _along(made, rows, weight.ndim))
    if len(node.input) > 2 and node.input[2]:
        bias = tensors[node.input[2]]
        _put(bias, numpy_helper.to_array(bias).astype(np.float64) * made)


def _along(values: np.ndarray, axis: int, dimensions: int) -> np.ndarray:
    """The values (C,) shaped so that they meet one axis of an array."""
    return values.reshape([-1 if each == axis else 1 for each in range(dimensions)])


def _put(tensor: onnx.TensorProto, values: np.ndarray) -> None:
    tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), tensor.name))


def _recorded(model: onnx.ModelProto, ties: ChannelTies, exponents: np.ndarray) -> onnx.ModelProto:
    """The model, changed: its metadata has the exponents of each tensor's channels, where they are not all 0."""
    found = {name: exponents[classes].tolist() for name, classes in ties.classes.items() if exponents[classes].any()}
    model.metadata_props.add(key=FACTORS_KEY, value=json.dumps(found, separators=(",", ":")))
    return model
