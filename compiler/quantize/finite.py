"""Numbers that are none: what a float model's arithmetic on constants gives, and what it computes from images."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from firelane.compiler.onnx_import.reader import label, read_constant
from firelane.compiler.support.errors import ModelError

EPSILON = 1e-5              #: of BatchNormalization, where it says nothing
HINT = "train or export the model again"


def check_variances(graph: onnx.GraphProto) -> None:
    """Refuse a BatchNormalization that divides by the root of no positive number; the worst one is named.

    Raises
    ------
    ModelError
        If there is one.
    """
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type != "BatchNormalization" or len(node.input) < 5 or node.input[4] not in constants:
            continue
        epsilon = epsilon_of(node)
        variance = read_constant(constants[node.input[4]]).astype(np.float64).ravel()
        bad = np.flatnonzero(~(variance + epsilon > 0))
        if len(bad):
            raise ModelError(label(node), f"the variance of channel {bad[0]} is {variance[bad[0]]:g}, with epsilon "
                                          f"{epsilon:g}: a number above 0 is needed", hint=HINT)


def epsilon_of(node: onnx.NodeProto) -> float:
    """What a BatchNormalization adds to the variance (ONNX BatchNormalization, attribute epsilon)."""
    return next((each.f for each in node.attribute if each.name == "epsilon"), EPSILON)


def check_folded(graph: onnx.GraphProto) -> None:
    """Refuse constants that became infinite, or no number, when others were brought into them.

    Raises
    ------
    ModelError
        If there is one: its node is named.
    """
    tensors = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT}
    for node in graph.node:
        for name in node.input:
            if node.op_type != "Clip" and name in tensors:
                values = numpy_helper.to_array(tensors[name])
                bad = values.size - np.count_nonzero(np.isfinite(values))
                if bad:
                    raise ModelError(label(node), f"{bad} of {values.size} weights are not finite numbers once the "
                                                  "arithmetic around it is brought into them", hint=HINT)


def check_values(node: str, values: np.ndarray, image: int) -> None:
    """Refuse what a node computes from a calibration image if that is not finite.

    Raises
    ------
    ModelError
        If it is not.
    """
    bad = values.size - np.count_nonzero(np.isfinite(values))
    if bad:
        raise ModelError(node, f"{bad} of {values.size} values are not finite numbers on calibration image {image}",
                         hint=HINT)
