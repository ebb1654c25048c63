"""Quantized graphs of Fire networks with made-up weights, without an ONNX file: for counting what they would cost.

    fire_graph(FireFamily(squeeze_ratio=0.5).network(...), input_size=224, seed=1)

What a network takes follows from its shapes and from which weights are zero, so ranges are not calibrated, and what
such a graph computes means nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from firelane.compiler.ir.graph import (
    Add,
    Concat,
    Conv,
    GlobalAverage,
    Graph,
    MaxPool,
    Node,
    Requantize,
    Tensor,
    Window,
)
from firelane.compiler.passes import PIPELINE, run_passes
from firelane.models.squeezenet import NETWORKS, POOL_KERNEL, POOL_STRIDE, Architecture, ConvSpec, FireSpec, PoolSpec
from firelane.models.squeezenet_weights import DEEP_COMPRESSION_DENSITIES, DEEP_COMPRESSION_DENSITY, random_parameters

__all__ = ["MAGNITUDES", "densities_by_kind", "fire_graph"]

MAGNITUDES = 15         #: of weights that are not zero: the digit networks have so many, compress leaves about as many
BIAS_SPREAD = 200
MULTIPLIER, SHIFT = 40_000, 24
HALF = 64               #: what each side of an addition is multiplied by


def fire_graph(network: Architecture, *, input_size: int, seed: int, density: float | None = None) -> Graph:
    """The graph of a network for images of `input_size` rows and columns.

    Parameters
    ----------
    density : float, optional
        Share of each layer's weights that are not zero; that of Deep Compression for its kind if not given.

    Raises
    ------
    ConfigError
        If the image is too small.
    """
    network.sides(input_size)
    densities = ({conv.name: density for conv in network.convolutions} if density is not None
                 else densities_by_kind(network))
    weights, _ = random_parameters(network.convolutions, seed=seed, densities=densities)
    writer = _Writer({name: _levels(weight) for name, weight in weights.items()}, np.random.default_rng(seed))
    return run_passes(writer.graph(network, input_size), PIPELINE)


def densities_by_kind(network: Architecture) -> dict[str, float]:
    """Deep Compression's density of each kind of layer: conv1, squeeze1x1, expand1x1, expand3x3, conv10."""
    counts: dict[str, list[float]] = {}
    for conv in NETWORKS["squeezenet1.0"].convolutions:
        weights = conv.parameters - conv.outputs
        known = counts.setdefault(_kind(conv), [0, 0])
        known[0] += DEEP_COMPRESSION_DENSITIES[conv.name] * weights
        known[1] += weights
    means = {kind: nonzero / weights for kind, (nonzero, weights) in counts.items()}
    return {conv.name: means.get(_kind(conv), DEEP_COMPRESSION_DENSITY) for conv in network.convolutions}


def _kind(conv: ConvSpec) -> str:
    return conv.name.rpartition("/")[2]


def _levels(weight: np.ndarray) -> np.ndarray:
    """The weights in int8 levels; none that is not zero becomes so."""
    levels = np.rint(weight * (MAGNITUDES / max(float(np.abs(weight).max()), 1e-30)))
    return np.where(weight == 0, 0, np.where(levels == 0, np.sign(weight), levels)).astype(np.int8)


class _Writer:
    """Makes nodes; a tensor is called like the node that makes it."""

    def __init__(self, weights: Mapping[str, np.ndarray], rng: np.random.Generator):
        self._weights, self._rng = weights, rng
        self._nodes: list[Node] = []
        self._tensors: dict[str, Tensor] = {}

    def graph(self, network: Architecture, size: int) -> Graph:
        x = self._tensor("image", network.conv1.inputs, size)
        x = self._conv(network.conv1, x)
        for layer in network.body:
            x = self._pool(layer, x) if isinstance(layer, PoolSpec) else self._fire(layer, network, x)
        x = self._conv(network.conv10, x)
        mean = self._tensor("pool10", x.channels, 1)
        pixels = x.height * x.width
        shift = 15 + pixels.bit_length()
        self._nodes.append(GlobalAverage("pool10", (x.name,), mean.name,
                                         Requantize.uniform(0, round(2 ** shift / pixels), shift)))
        return Graph(network.name, tuple(self._nodes), self._tensors, "image", mean.name)

    def _fire(self, fire: FireSpec, network: Architecture, x: Tensor) -> Tensor:
        squeeze, expand1x1, expand3x3 = fire.convolutions
        squeezed = self._conv(squeeze, x)
        parts = [self._conv(expand1x1, squeezed), self._conv(expand3x3, squeezed)]
        joined = self._tensor(f"{fire.name}/concat", fire.outputs, x.height)
        self._nodes.append(Concat(joined.name, tuple(part.name for part in parts), joined.name))
        around = fire.bypass(network.bypass)
        if around is False:
            return joined
        other = self._conv(around, x) if isinstance(around, ConvSpec) else x
        total = self._tensor(f"{fire.name}/bypass", fire.outputs, x.height)
        self._nodes.append(Add(total.name, (joined.name, other.name), total.name, (HALF,), (HALF,),
                               Requantize.uniform(0, 1 << 15, 22)))
        return total

    def _conv(self, conv: ConvSpec, x: Tensor) -> Tensor:
        y = self._tensor(conv.name, conv.outputs, conv.side(x.height))
        bias = self._rng.integers(-BIAS_SPREAD, BIAS_SPREAD, conv.outputs)
        self._nodes.append(Conv(
            conv.name, (x.name,), y.name, self._weights[conv.name],
            Window((conv.kernel,) * 2, (conv.stride,) * 2, (conv.pad,) * 4), 1,
            Requantize(bias, np.array([MULTIPLIER]), np.array([SHIFT]))))
        return y

    def _pool(self, pool: PoolSpec, x: Tensor) -> Tensor:
        y = self._tensor(pool.name, x.channels, pool.side(x.height))
        self._nodes.append(MaxPool(pool.name, (x.name,), y.name, Window((POOL_KERNEL,) * 2, (POOL_STRIDE,) * 2)))
        return y

    def _tensor(self, name: str, channels: int, side: int) -> Tensor:
        self._tensors[name] = Tensor(name, channels, side, side, 1.0, 0)
        return self._tensors[name]
