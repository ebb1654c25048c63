"""A network compressed at a given price of a bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import onnx

from firelane.compiler.compress.compensation import Problem
from firelane.compiler.compress.course import Course
from firelane.compiler.compress.float_network import FloatNetwork, Weights
from firelane.compiler.compress.layer_solver import THOROUGH, Price, QuantizedLayer, solve_layer
from firelane.compiler.compress.layerwise import Walk
from firelane.compiler.compress.measure import Cost, layer_tiles, measure
from firelane.compiler.compress.quantized_graph import IntegerLayer, integer_layer, with_layers
from firelane.compiler.compress.sensitivity import importances
from firelane.compiler.compress.workers import Workers
from firelane.compiler.ir.graph import Conv, Graph
from firelane.hw.contract.config import EngineConfig


class Objective(Enum):
    """What cycles count beside bytes: bits that a tap more is worth, for each tile of its layer."""

    SIZE = 0.0
    BALANCED = 0.03
    CYCLES = 0.3


@dataclass(frozen=True, eq=False)
class Attempt:
    """A compressed network: `layers` by node name, the `graph` with them, and what it costs.

    `errors`: what the levels of each layer cost, by the estimate that they were chosen by: divergence, nats an image.
    """

    slope: float
    layers: dict[str, IntegerLayer]
    errors: dict[str, float]
    graph: Graph
    cost: Cost

    @property
    def bytes(self) -> int:
        """The size of the ROM image."""
        return self.cost.rom.bytes


@dataclass(frozen=True, eq=False)
class Source:
    """What is compressed: the quantized `graph`, the QDQ `model` that it was read from, the real weights."""

    graph: Graph
    model: onnx.ModelProto
    weights: dict[str, Weights]


class Compressor:
    """Compresses one network, again and again at other prices.

    Parameters
    ----------
    images : uint8 (C, H, W) each, stored values of the graph's input
    cfg : the engine whose tiles count as cycles
    multiples : steps that are tried for each layer, see `layer_solver`
    course : told what is done of the compression that this is a part of
    """

    def __init__(self, source: Source, images: Sequence[np.ndarray], cfg: EngineConfig, workers: Workers, *,
                 objective: Objective = Objective.BALANCED, multiples: tuple[float, ...] = THOROUGH, seed: int = 0,
                 course: Course | None = None):
        self.source, self.images = source, images
        self.network = FloatNetwork(source.graph)
        self._multiples = multiples
        self._cfg = cfg
        self._workers, self._course = workers, course or Course()
        self._course.begin(source.graph, len(images), len(multiples))
        self._importances = importances(self.network, source.weights, images, workers, seed=seed,
                                        measured=self._course.measuring)
        self._tap_bits = {name: objective.value * tiles for name, tiles in layer_tiles(source.graph, cfg).items()}

    def at(self, slope: float) -> Attempt:
        """The network with every choice made at `slope`."""
        found: dict[str, list[QuantizedLayer]] = {}

        def solver(node: Conv, problem: Problem) -> np.ndarray:
            price = Price(slope, self._tap_bits.get(node.name, 0.0))
            layer = solve_layer(problem, price, self._multiples, self._free(node))
            found.setdefault(node.name, []).append(layer)
            return layer.weights
        walk = Walk(self.network, self.source.weights, self.images, self._workers, self._course.attempt())
        weights = walk.run(self._importances, solver)
        layers = {}
        for node in self.network.convolutions:
            parts = found[node.name]
            layers[node.name] = integer_layer(node, np.concatenate([part.levels for part in parts]),
                                              np.concatenate([part.multiplier for part in parts]),
                                              np.concatenate([part.shift for part in parts]), weights[node.name].bias)
        graph = with_layers(self.source.graph, layers)
        errors = {name: sum(part.solution.error for part in parts) for name, parts in found.items()}
        return Attempt(slope, layers, errors, graph, measure(graph, self._cfg))

    def _free(self, node: Conv) -> np.ndarray:
        """A mask (n,) of the weights that are at places of the kernel where it has any: not between dilated ones."""
        taps = self.source.weights[node.name].taps
        places = taps.reshape(len(taps), -1, node.window.kernel[0] * node.window.kernel[1])
        return np.tile(places.any(axis=(0, 1)), places.shape[1])
