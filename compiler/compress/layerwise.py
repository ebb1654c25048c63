"""A walk through the network, layer by layer: each layer makes good what the layers before it have done wrong.

Two copies of every map are kept: `ideal`, what the float network has there, and `real`, what the compressed network
has, rounded to pixels. A layer with real inputs x and ideal inputs x* is to give W* x* + b*: its weights are corrected
where that helps on images that the correction does not know (`correction`), then brought to levels, and the
bias that goes with them is exact in the mean (bias correction).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import DTypeLike

from firelane.compiler.compress.compensation import Problem, damped
from firelane.compiler.compress.correction import corrected
from firelane.compiler.compress.float_network import FloatNetwork, Weights, columns
from firelane.compiler.compress.input_statistics import InputStatistics, pooled, shrunk_moments
from firelane.compiler.compress.workers import Workers
from firelane.compiler.ir.graph import Conv, Node

Solver = Callable[[Conv, Problem], np.ndarray]      # gives the weights float64 (O, n) that a problem gets
PARTS = 4           #: of the images, by which corrections are validated


class Walk:
    """Goes through the nodes in order, with the maps of all images.

    Parameters
    ----------
    network : with rounding
    ideal_weights : of the float network
    images : uint8 (C, H, W) each
    finished : told how many nodes are
    """

    def __init__(self, network: FloatNetwork, ideal_weights: dict[str, Weights], images: Sequence[np.ndarray],
                 workers: Workers, finished: Callable[[int], None] = lambda nodes: None):
        self._real, self._ideal = network, FloatNetwork(network.graph, rounding=False)
        self._weights = ideal_weights
        self._workers = workers
        self._finished = finished
        self._images = images

    def run(self, importances: Mapping[str, np.ndarray], solver: Solver) -> dict[str, Weights]:
        """Weights and biases of every convolution: those that `solver` gives, biases to match.

        A convolution without `importances` keeps those that it has.
        """
        graph = self._real.graph
        chosen = {node.name: self._weights[node.name] for node in self._real.convolutions
                  if node.name not in importances}
        pixels = [np.asarray(image, np.uint8) for image in self._images]
        real = {graph.input: pixels}
        ideal = {graph.input: [image.astype(np.float32) for image in pixels]}
        last_reader = {name: number for number, node in enumerate(graph.nodes) for name in node.inputs}
        for number, node in enumerate(graph.nodes):
            self._finished(number)
            if isinstance(node, Conv) and node.name in importances:
                parts = self.statistics(node, real[node.inputs[0]], ideal[node.inputs[0]])
                chosen[node.name] = self._solve(node, parts, importances[node.name], solver)
            real[node.output] = self._outputs(self._real, node, real, chosen, np.uint8)
            ideal[node.output] = self._outputs(self._ideal, node, ideal, self._weights, np.float32)
            for name in [name for name in real if last_reader.get(name, -1) <= number and name != node.output]:
                del real[name], ideal[name]
        self._finished(len(graph.nodes))
        return chosen

    def statistics(self, node: Conv, real: list[np.ndarray], ideal: list[np.ndarray]) -> list[InputStatistics]:
        """Statistics over maps (C, H, W) of all images, in `PARTS` parts of images that follow each other."""
        ends = [len(real) * number // PARTS for number in range(PARTS + 1)]
        return [self._of_images(node, real[first:end], ideal[first:end]) for first, end in pairwise(ends)
                if end > first]

    def _of_images(self, node: Conv, real: list[np.ndarray], ideal: list[np.ndarray]) -> InputStatistics:
        def of_image(pair: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, ...]:
            x, wanted = (self._columns(node, values) for values in pair)
            mean, mean_wanted = x.mean(axis=2, dtype=np.float64), wanted.mean(axis=2, dtype=np.float64)
            across = x.transpose(0, 2, 1)
            return mean, mean_wanted, np.matmul(x, across) / x.shape[2], np.matmul(wanted, across) / x.shape[2]
        sums: list[np.ndarray] = [np.zeros(())] * 4
        for found in self._workers.map(of_image, zip(real, ideal)):
            sums = [total + part.astype(np.float64) for total, part in zip(sums, found)]
        return InputStatistics(len(real), *(total / len(real) for total in sums))

    def _solve(self, node: Conv, parts: list[InputStatistics], importance: np.ndarray, solver: Solver) -> Weights:
        ideal, whole = self._weights[node.name], pooled(parts)
        wanted = ideal.taps.astype(np.float64).reshape(node.groups, -1, ideal.taps.shape[1])
        important = importance.reshape(node.groups, -1)
        problems = zip(corrected(wanted, parts, important), shrunk_moments(parts), important)
        taps = np.array([solver(node, Problem(target, damped(moments), of_channels))
                         for target, moments, of_channels in problems])
        shift = np.einsum("gon,gn->go", wanted, whole.mean_ideal) - np.einsum("gon,gn->go", taps, whole.mean_real)
        bias = ideal.bias + shift.reshape(-1)
        return Weights(taps.reshape(ideal.taps.shape).astype(np.float32), bias.astype(np.float32))

    def _columns(self, node: Conv, values: np.ndarray) -> np.ndarray:
        tensors = self._real.graph.tensors
        return columns(node, values.astype(np.float32, copy=False), tensors[node.inputs[0]].zero_point,
                       tensors[node.output])

    def _outputs(self, network: FloatNetwork, node: Node, maps: dict[str, list[np.ndarray]],
                 weights: dict[str, Weights], kind: DTypeLike) -> list[np.ndarray]:
        """The outputs of one node, for all images."""
        def of_image(inputs: tuple[np.ndarray, ...]) -> np.ndarray:
            return network.output(node, [values.astype(np.float32, copy=False) for values in inputs],
                                  weights).astype(kind, copy=False)
        return list(self._workers.map(of_image, zip(*(maps[name] for name in node.inputs))))
