"""Sensitivity: how much the network's result depends on each output channel of each convolution.

The result is a distribution p over classes (softmax of the output). A small change of the logits by d costs a
Kullback-Leibler divergence of d' F d / 2 with F = diag(p) - p p'. For a random v with covariance F the squared gradient
of v . logits with respect to a weight is, on average, twice what a unit change of this weight costs (the Fisher
information; Martens, arXiv 1412.1193, section 9). What a channel's weights have in common is taken from their sum over
the channel, per image, because errors of one channel add up over its pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from firelane.compiler.compress.float_network import FloatNetwork, Weights
from firelane.compiler.compress.workers import Workers
from firelane.compiler.ir.graph import Add, Conv

PROBES = 2                  #: random directions v an image
SHRINKAGE = 0.8             #: part of the layer's mean in each channel's importance: some dozens of images say little


def importances(network: FloatNetwork, weights: dict[str, Weights], images: Sequence[np.ndarray],
                workers: Workers, *, seed: int = 0,
                measured: Callable[[int, int], None] = lambda done, images: None) -> dict[str, np.ndarray]:
    """The importance g of each convolution's channels, float64 (O,).

    An error w of a channel's weights costs a divergence of g w' H w nats, where H are the second moments of what the
    weights see, over the pixels of the images. A layer whose sums are averaged into logits has equal importances: a
    class that no image shows must not become likely, and the second order at p = 0 does not say so.
    """
    classes = int(np.prod(network.graph.tensors[network.graph.output].shape))
    noise = np.random.default_rng(seed).standard_normal((len(images), PROBES, classes))
    squares = {node.name: np.zeros(len(node.weight)) for node in network.convolutions}
    spreads = dict.fromkeys(squares, 0.0)

    def of_image(index: int) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        return _squared_gradients(network, weights, images[index], noise[index])
    for done, (found, seen) in enumerate(workers.map(of_image, range(len(images))), 1):
        for name, square in found.items():
            squares[name] += square
            spreads[name] += seen[name]
        measured(done, len(images))
    result = {}
    for node in network.convolutions:
        importance = squares[node.name] / (2 * PROBES * (spreads[node.name] or 1.0))
        share = 1.0 if _makes_logits(network, node) else SHRINKAGE
        result[node.name] = (1 - share) * importance + share * importance.mean() + np.finfo(float).tiny
    return result


def softmax(logits: np.ndarray) -> np.ndarray:
    """The softmax along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def logits_of(network: FloatNetwork, maps: dict[str, np.ndarray]) -> np.ndarray:
    """The output tensor in real numbers, flat."""
    output = network.graph.tensors[network.graph.output]
    return (maps[network.graph.output].reshape(-1).astype(np.float64) - output.zero_point) * output.scale


def _squared_gradients(network: FloatNetwork, weights: dict[str, Weights], image: np.ndarray,
                       noise: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """The gradients of one image: squares (O,) summed over probes and over the weights of a channel; trace of H."""
    maps = network.forward(image, weights)
    output = network.graph.tensors[network.graph.output]
    likely = softmax(logits_of(network, maps))
    squares: dict[str, np.ndarray] = {}
    spreads: dict[str, float] = {}

    def take(node: Conv, seen: np.ndarray, arrived: np.ndarray) -> None:
        by_group = np.matmul(arrived.reshape(node.groups, -1, arrived.shape[1]), seen.transpose(0, 2, 1))
        squares[node.name] = squares.get(node.name, 0) + (by_group.astype(np.float64) ** 2).sum(axis=2).reshape(-1)
        spreads[node.name] = float(np.square(seen, dtype=np.float64).sum()) / (seen.shape[2] * node.groups)
    for direction in noise:
        root = np.sqrt(likely)
        probe = root * direction - likely * (root @ direction)
        network.backward(maps, weights, (probe * output.scale).reshape(output.shape), take)
    return squares, spreads


def _makes_logits(network: FloatNetwork, node: Conv) -> bool:
    """Whether nothing but pooling is between the layer and the output."""
    name = node.output
    while name != network.graph.output:
        readers = network.graph.consumers(name)
        if len(readers) != 1 or isinstance(readers[0], Conv | Add):
            return False
        name = readers[0].output
    return True
