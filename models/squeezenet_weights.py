"""Random parameters for the published networks: He-like, pruned by magnitude, from a seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np

from firelane.compiler.support.errors import ConfigError
from firelane.models.squeezenet import ConvSpec

__all__ = ["DEEP_COMPRESSION_DENSITIES", "published_densities", "random_parameters"]

PIXEL_MIDDLE, PIXEL_SPREAD = 127.5, 64.0         # what conv1 expects of its pixels
BIAS_SPREAD = 0.05

# Share of weights that are not zero in the published Deep Compression SqueezeNet v1.0 (Han et al., arXiv 1510.00149;
# compressed_SqueezeNet.net of github.com/songhan/SqueezeNet-Deep-Compression), counted by models.deep_compression.
DEEP_COMPRESSION_DENSITIES: Mapping[str, float] = MappingProxyType({
    "conv1": 0.9851,
    "fire2/squeeze1x1": 0.9948, "fire2/expand1x1": 0.9961, "fire2/expand3x3": 0.3298,
    "fire3/squeeze1x1": 0.9951, "fire3/expand1x1": 0.9990, "fire3/expand3x3": 0.3298,
    "fire4/squeeze1x1": 0.9973, "fire4/expand1x1": 0.9939, "fire4/expand3x3": 0.3298,
    "fire5/squeeze1x1": 0.9961, "fire5/expand1x1": 0.9929, "fire5/expand3x3": 0.3295,
    "fire6/squeeze1x1": 0.9897, "fire6/expand1x1": 0.4993, "fire6/expand3x3": 0.3294,
    "fire7/squeeze1x1": 0.4994, "fire7/expand1x1": 0.9906, "fire7/expand3x3": 0.3296,
    "fire8/squeeze1x1": 0.9924, "fire8/expand1x1": 0.4997, "fire8/expand3x3": 0.2994,
    "fire9/squeeze1x1": 0.4996, "fire9/expand1x1": 0.9951, "fire9/expand3x3": 0.2996,
    "conv10": 0.1998,
})
DEEP_COMPRESSION_DENSITY = 415_921 / 1_244_448      # all layers together


class Weighted(Protocol):
    """A layer with weights, whatever network it is of."""

    @property
    def name(self) -> str: ...

    @property
    def weight_shape(self) -> tuple[int, int, int, int]: ...

    @property
    def outputs(self) -> int: ...


def published_densities(convolutions: Iterable[ConvSpec]) -> dict[str, float]:
    """Deep Compression's density of each convolution; the overall one for those that its network does not have."""
    return {conv.name: DEEP_COMPRESSION_DENSITIES.get(conv.name, DEEP_COMPRESSION_DENSITY) for conv in convolutions}


def random_parameters(convolutions: Iterable[Weighted], *, seed: int,
                      densities: Mapping[str, float]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Weights (OIHW) and biases (O,), float32, by name of the convolution.

    Each layer draws from a stream of its own, so that a layer's values depend on the seed and its place only. The
    squares of a filter's weights sum to 2 on average (He et al., arXiv 1502.01852), which keeps the spread of the
    activations from layer to layer, however few weights are left; the first layer takes pixels 0..255.
    """
    convolutions = tuple(convolutions)
    unknown = sorted(densities.keys() - {conv.name for conv in convolutions})
    if unknown:
        raise ConfigError("densities", f"no such convolution: {', '.join(unknown)}",
                          hint=f"there are {', '.join(conv.name for conv in convolutions)}")
    weights, biases = {}, {}
    for conv, stream in zip(convolutions, np.random.SeedSequence(seed).spawn(len(convolutions))):
        rng = np.random.default_rng(stream)
        weight = pruned(rng.standard_normal(conv.weight_shape), densities.get(conv.name, 1.0), conv.name)
        energy = np.mean(np.sum(weight ** 2, axis=(1, 2, 3)))
        weight *= np.sqrt(2 / energy) if energy else 1
        weights[conv.name] = weight.astype(np.float32)
        biases[conv.name] = rng.normal(0, BIAS_SPREAD, conv.outputs).astype(np.float32)
    _take_pixels(weights[convolutions[0].name], biases[convolutions[0].name])
    return weights, biases


def pruned(weight: np.ndarray, density: float, where: str) -> np.ndarray:
    """`weight` with all but the largest `density` of its values zero."""
    if not 0 <= density <= 1:
        raise ConfigError("densities", f"{density} of {where}", hint="a share from 0 to 1 is wanted")
    if density == 1:
        return weight
    order = np.argsort(np.abs(weight), axis=None, kind="stable")
    kept = weight.copy()
    kept.flat[order[:weight.size - round(density * weight.size)]] = 0
    return kept


def _take_pixels(weight: np.ndarray, bias: np.ndarray) -> None:
    """Change the first layer, in place, from numbers around 0 to pixels 0..255."""
    weight /= PIXEL_SPREAD
    bias -= PIXEL_MIDDLE * weight.sum(axis=(1, 2, 3))
