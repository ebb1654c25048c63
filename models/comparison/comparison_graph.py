"""Float ONNX graphs of the networks to compare with, from what is drawn of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from firelane.compiler.frame_io.preprocessing import INPUT_KEY, Preprocessing
from firelane.compiler.frame_io.presets import scaled_side
from firelane.models.comparison.drawing import CHANNELS, IMAGE, RESULT, Drawing
from firelane.models.comparison.networks import CLASSES

__all__ = ["build"]

OPSET = 15
IR_VERSION = 8
LINEAR = np.sqrt(np.float32(0.5))       #: without an activation nothing is cut off: half of the energy is enough
ADDED = np.float32(0.25)                #: what is added many times is drawn smaller, or nothing else would be left


def build(name: str, net: Drawing, weights: Mapping[str, np.ndarray],
          biases: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """`image` float32 (1, 3, size, size), RGB pixels 0..255 -> `probabilities` float32 (1, 1000).

    Parameters
    ----------
    net : Drawing
        All of the network.
    weights, biases : mapping
        Random ones by layer, float32, OIHW and (O,), as for layers with ReLU behind them: others are made smaller.
    """
    constants = dict(net.constants)
    for conv in net.convolutions:
        weight = weights[conv.name] * (1 if conv.active else LINEAR) * (ADDED if conv.added else 1)
        constants |= {f"{conv.name}.weight": weight.reshape(weight.shape[:2] if conv.linear else weight.shape),
                      f"{conv.name}.bias": biases[conv.name]}
    nodes = [helper.make_node(node.operator, node.inputs, node.outputs, name=node.name, **node.attributes)
             for node in net.nodes]
    size = net.input_size
    graph = helper.make_graph(
        nodes, name, [helper.make_tensor_value_info(IMAGE, TensorProto.FLOAT, [1, CHANNELS, size, size])],
        [helper.make_tensor_value_info(RESULT, TensorProto.FLOAT, [1, CLASSES])],
        [numpy_helper.from_array(values, name) for name, values in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
                              producer_name="firelane")
    helper.set_model_props(model, {INPUT_KEY: Preprocessing(channels="RGB", resize=scaled_side(size)).to_json()})
    onnx.checker.check_model(model, full_check=True)
    return model
