"""Weights of a quantized network rounded again: each rounding error is made good by the weights that follow.

Zeros stay zeros, and a channel's step is the next above its own that a short parameter record holds: the ROM does not
grow. What earlier layers do wrong is corrected as far as cross-validation says that it helps, and biases take what is
left in the mean (`layerwise`), as where `compress` gives bytes a price.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx

from firelane.compiler.coding.parameter_form import nearest_scales
from firelane.compiler.compress.compensation import Problem, rounded
from firelane.compiler.compress.float_network import FloatNetwork, Weights, scales
from firelane.compiler.compress.layer_solver import PARTS
from firelane.compiler.compress.layerwise import Walk
from firelane.compiler.compress.quantized_graph import (
    IntegerLayer,
    graph_weights,
    integer_layer,
    known_weights,
    with_weights,
)
from firelane.compiler.compress.sources import LEAST_IMAGES
from firelane.compiler.compress.workers import workers
from firelane.compiler.frame_io.preprocessing import stored_values
from firelane.compiler.ir.graph import Conv, Graph
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.passes import WEIGHTS_AS_GIVEN
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.spread import spread

__all__ = ["rounded_again"]

STAGE = "rounding weights"
PIXEL_BYTES = 5             #: of a pixel of a map that `Walk` holds: the float network's, and this one's
MEMORY = 2 << 30            #: bytes of maps that are held at a time; so large networks get fewer images


def rounded_again(model: onnx.ModelProto, original: onnx.ModelProto, images: Sequence[np.ndarray],
                  progress: Progress = silent) -> onnx.ModelProto:
    """A copy of a QDQ model with other int8 weights and biases in its convolutions; the model itself of few images.

    Layers that are no Conv of the same name in both models stay as they are.

    Parameters
    ----------
    original : the float model that it was quantized from
    images : float32 (C, H, W) each, values of the input of both; `LEAST_IMAGES` at least
    progress : told how many of the network's nodes are done
    """
    graph = load_graph(model, WEIGHTS_AS_GIVEN)
    weights = known_weights(graph, original)
    used = spread(len(images), min(len(images), _images_at_most(graph)))
    if not weights or len(used) < LEAST_IMAGES:
        return model
    pixels = [stored_values(graph, images[index]) for index in used]
    network = FloatNetwork(graph)
    parts: dict[str, list[np.ndarray]] = {}

    def solver(node: Conv, problem: Problem) -> np.ndarray:
        found = parts.setdefault(node.name, [])         # a group after the other
        rows = slice(len(problem.target) * len(found), len(problem.target) * (len(found) + 1))
        multiplier, shift = _steps(node)
        steps = (multiplier / np.exp2(shift))[rows]
        found.append(rounded(problem, steps, weights[node.name].taps[rows] != 0))
        return found[-1] * steps[:, None]
    with workers() as threads:
        walk = Walk(network, graph_weights(graph) | weights, pixels, threads,
                    lambda nodes: progress(STAGE, nodes, len(graph.nodes)))
        chosen = walk.run({name: np.ones(len(each.taps)) for name, each in weights.items()}, solver)
    layers = {node.name: _layer(node, parts[node.name], chosen[node.name]) for node in network.convolutions
              if node.name in weights}
    return with_weights(model, graph, layers)


def _images_at_most(graph: Graph) -> int:
    """How many images' maps `MEMORY` holds."""
    def pixels(name: str) -> int:
        return int(np.prod(graph.tensors[name].shape))
    largest = max(sum(map(pixels, (*node.inputs, node.output))) for node in graph.nodes)
    return MEMORY // (PIXEL_BYTES * largest)


def _steps(node: Conv) -> tuple[np.ndarray, np.ndarray]:
    """Multiplier and shift of each channel, int64 (O,): of the sizes of a level that a short parameter record holds."""
    return nearest_scales(np.broadcast_to(scales(node.requantize), len(node.weight)) * (1 + 2 * PARTS))


def _layer(node: Conv, parts: list[np.ndarray], weights: Weights) -> IntegerLayer:
    return integer_layer(node, np.concatenate(parts).astype(np.int8), *_steps(node), weights.bias)
