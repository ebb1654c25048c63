"""Layer by layer through the network: each layer makes good what the layers before it have done wrong.

Two copies of every map are kept: `ideal`, what the float network has there, and `real`, what the compressed network has,
rounded to pixels. A layer with real inputs x and ideal inputs x* is to give W* x* + b*. The W of least squared error is W*
E[x* x'] H^-1 with H = E[x x'], all centred, and the bias that goes with it is exact in the mean (bias correction).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from compiler.compress.compensation import Problem, damped
from compiler.compress.float_network import FloatNetwork, Weights, columns
from compiler.compress.workers import Workers
from compiler.ir import Conv, Node
from compiler.progress import Progress, silent

Solver = Callable[[Conv, Problem], np.ndarray]      # gives the weights float64 (O, n) that a problem gets


@dataclass(frozen=True, eq=False)
class InputStatistics:
    """Of a convolution's inputs over all images and pixels, per group.

    `mean_real`, `mean_ideal` float64 (groups, n); `moments` float64 (groups, n, n): E[x x'] centred, of real inputs;
    `cross`: E[x* x'] centred, ideal by real.
    """

    mean_real: np.ndarray
    mean_ideal: np.ndarray
    moments: np.ndarray
    cross: np.ndarray


class Walk:
    """Goes through the nodes in order, with the maps of all images.

    Parameters
    ----------
    network : with rounding
    ideal_weights : of the float network
    images : uint8 (C, H, W) each
    """

    def __init__(self, network: FloatNetwork, ideal_weights: dict[str, Weights], images: Sequence[np.ndarray],
                 workers: Workers, progress: Progress = silent, stage: str = "layer by layer"):
        self._real, self._ideal = network, FloatNetwork(network.graph, rounding=False)
        self._weights = ideal_weights
        self._workers, self._progress, self._stage = workers, progress, stage
        self._images = images

    def run(self, importances: dict[str, np.ndarray], solver: Solver) -> dict[str, Weights]:
        """Weights and biases of every convolution: those that `solver` gives, biases to match."""
        graph, chosen = self._real.graph, {}
        pixels = [np.asarray(image, np.uint8) for image in self._images]
        real = {graph.input: pixels}
        ideal = {graph.input: [image.astype(np.float32) for image in pixels]}
        last_reader = {name: number for number, node in enumerate(graph.nodes) for name in node.inputs}
        for number, node in enumerate(graph.nodes):
            self._progress(self._stage, number, len(graph.nodes))
            if isinstance(node, Conv):
                statistics = self.statistics(node, real[node.inputs[0]], ideal[node.inputs[0]])
                chosen[node.name] = self._solve(node, statistics, importances[node.name], solver)
            real[node.output] = self._outputs(self._real, node, real, chosen, np.uint8)
            ideal[node.output] = self._outputs(self._ideal, node, ideal, self._weights, np.float32)
            for name in [name for name in real if last_reader.get(name, -1) <= number and name != node.output]:
                del real[name], ideal[name]
        return chosen

    def statistics(self, node: Conv, real: list[np.ndarray], ideal: list[np.ndarray]) -> InputStatistics:
        """Over maps (C, H, W) of all images."""
        def of_image(pair):
            x, wanted = (self._columns(node, values) for values in pair)
            mean, mean_wanted = x.mean(axis=2, dtype=np.float64), wanted.mean(axis=2, dtype=np.float64)
            across = x.transpose(0, 2, 1)
            return mean, mean_wanted, np.matmul(x, across) / x.shape[2], np.matmul(wanted, across) / x.shape[2]
        sums = [0.0] * 4
        for found in self._workers.map(of_image, zip(real, ideal)):
            sums = [total + part.astype(np.float64) for total, part in zip(sums, found)]
        mean, mean_wanted, moments, cross = (total / len(real) for total in sums)
        return InputStatistics(mean, mean_wanted, moments - mean[:, :, None] * mean[:, None, :],
                               cross - mean_wanted[:, :, None] * mean[:, None, :])

    def _solve(self, node: Conv, statistics: InputStatistics, importance: np.ndarray, solver: Solver) -> Weights:
        ideal = self._weights[node.name]
        groups = node.groups
        wanted = ideal.taps.astype(np.float64).reshape(groups, -1, ideal.taps.shape[1])
        moments = np.array([damped(part) for part in statistics.moments])
        extra = moments - statistics.moments                # the damping, in both: no pull to 0 where nothing is known
        targets = np.array([linalg.solve(h, (w @ (c + d)).T, assume_a="pos").T
                            for w, c, d, h in zip(wanted, statistics.cross, extra, moments)])
        parts = []
        for group in range(groups):
            rows = slice(group * len(importance) // groups, (group + 1) * len(importance) // groups)
            parts.append(solver(node, Problem(targets[group], moments[group], importance[rows])))
        taps = np.array(parts)
        shift = np.einsum("gon,gn->go", wanted, statistics.mean_ideal) - np.einsum("gon,gn->go", taps,
                                                                                  statistics.mean_real)
        bias = ideal.bias + shift.reshape(-1)
        return Weights(taps.reshape(ideal.taps.shape).astype(np.float32), bias.astype(np.float32))

    def _columns(self, node: Conv, values: np.ndarray) -> np.ndarray:
        tensors = self._real.graph.tensors
        return columns(node, values.astype(np.float32, copy=False), tensors[node.inputs[0]].zero_point,
                       tensors[node.output])

    def _outputs(self, network: FloatNetwork, node: Node, maps: dict[str, list[np.ndarray]],
                 weights: dict[str, Weights], kind) -> list[np.ndarray]:
        """Of one node, for all images."""
        def of_image(inputs):
            return network.output(node, [values.astype(np.float32, copy=False) for values in inputs],
                                  weights).astype(kind, copy=False)
        return list(self._workers.map(of_image, zip(*(maps[name] for name in node.inputs))))
