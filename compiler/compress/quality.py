"""Quality of a compressed network: how near it is to the float one on images that it was not compressed with.

No labels are needed: if the float network's probabilities are right, its first choice is right with probability
p(first), and another choice c with p(c). So p(first) - p(c), on average, is the top-1 accuracy that is lost.

How good that figure is, is said by its standard error. Among a few images there may be none whose class changes; that
the loss is 0 then is not certain, so one image more is counted for the error (not for the loss). It loses as much as
probabilities have moved on average, the sum of |p - q| over the classes: no image loses more than its own, because
q(c) >= q(first) where c is chosen.

A share of images, such as that of the same class, has the bounds of Wilson (1927), which say something where it is 0 or
1, too: of 12 images with the same class it says that 76 % of others have it, at least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from firelane.compiler.compress.float_network import FloatNetwork, Weights
from firelane.compiler.compress.quantized_graph import graph_weights
from firelane.compiler.compress.sensitivity import logits_of, softmax
from firelane.compiler.compress.workers import Workers
from firelane.compiler.ir.graph import Graph
from firelane.compiler.support.spread import spread

HELD_OUT = 5                #: one image in so many is held out where quality is asked for
LIKELY = 1.96               #: standard errors that 19 shares of 20 are within
TELLING = 5                 #: as many images, all of one class, are hardly so by chance


@dataclass(frozen=True)
class Quality:
    """Means over images.

    `divergence` in nats; `agreement` of the first choices; `drop`, expected loss of top-1, and `error`, its standard
    error; `images`, how many; `top1`, share of images whose class is the first choice, None without labels;
    `only_class`, the class that both networks give to every image, None if there are several.
    """

    divergence: float
    agreement: float
    drop: float
    error: float
    images: int
    top1: float | None = None
    only_class: int | None = None

    @property
    def warning(self) -> str:
        """What is to be said where all images have one class; empty if they have not."""
        return one_class(self.images, self.only_class)

    def __str__(self) -> str:
        return (f"expected loss of top-1: {100 * self.drop:.2f} ± {100 * self.error:.2f} points; divergence "
                f"{self.divergence:.3f} nats\nsame class as the float network: {self.agreement:.1%}; of other images "
                f"probably {least_share(self.agreement, self.images):.0%} or more")


def held_out(images: Sequence) -> tuple[list, list]:
    """The images to compress with, and those to judge by."""
    chosen = set(spread(len(images), (len(images) + HELD_OUT // 2) // HELD_OUT))
    return ([image for number, image in enumerate(images) if number not in chosen],
            [image for number, image in enumerate(images) if number in chosen])


class Judge:
    """Remembers what the float network says about the images.

    Parameters
    ----------
    images : uint8 (C, H, W) each, stored values of the graph's input
    labels : class of each image, None if nobody knows
    """

    def __init__(self, graph: Graph, weights: dict[str, Weights], images: Sequence[np.ndarray], workers: Workers,
                 labels: Sequence[int] | None = None):
        self._images, self._labels = images, labels
        self._workers = workers
        self._wanted = softmax(self._logits(FloatNetwork(graph, rounding=False), weights))

    @property
    def float_top1(self) -> float | None:
        """Top-1 accuracy of the float network; None without labels."""
        return self._top1(self._wanted.argmax(axis=1))

    def of(self, graph: Graph) -> Quality:
        """The quality of a graph as the engine computes it."""
        logits = self._logits(FloatNetwork(graph), graph_weights(graph))
        choice = logits.argmax(axis=1)
        return replace(compare(self._wanted, softmax(logits), choice), top1=self._top1(choice))

    def _top1(self, choice: np.ndarray) -> float | None:
        return None if self._labels is None else float((choice == np.asarray(self._labels)).mean())

    def _logits(self, network: FloatNetwork, weights: dict[str, Weights]) -> np.ndarray:
        return np.array(list(self._workers.map(
            lambda image: logits_of(network, network.forward(image, weights)), self._images)))


def compare(wanted: np.ndarray, found: np.ndarray, choice: np.ndarray) -> Quality:
    """The quality by probabilities, float64 (N, classes), and the classes (N,) that the compressed network chooses."""
    rows, first = np.arange(len(wanted)), wanted.argmax(axis=1)
    small = np.finfo(float).tiny
    divergence = (wanted * (np.log(np.maximum(wanted, small)) - np.log(np.maximum(found, small)))).sum(axis=1)
    lost = wanted[rows, first] - wanted[rows, choice]
    return Quality(float(divergence.mean()), float((first == choice).mean()), float(lost.mean()),
                   standard_error(lost, np.abs(wanted - found).sum(axis=1).mean()), len(wanted),
                   only_class=only_class([*first, *choice]))


def standard_error(lost: np.ndarray, moved: float) -> float:
    """The standard error of the mean of `lost` (N,), with one image more that loses `moved`, all that it can."""
    counted = np.append(lost, moved)
    return float(counted.std(ddof=1) / np.sqrt(len(counted)))


def share_error(share: float, images: int, errors: float = 1.0) -> float:
    """Half the width of Wilson's interval of so many standard errors: more than 0 for a share of 0 or 1, too.

    >>> round(share_error(1.0, 12), 3), round(share_error(0.5, 100), 3)
    (0.038, 0.05)
    """
    return float(errors * np.sqrt(share * (1 - share) / images + errors ** 2 / (4 * images ** 2))
                 / (1 + errors ** 2 / images))


def least_share(share: float, images: int) -> float:
    """The lower end of Wilson's interval, which is right 19 times in 20.

    >>> round(least_share(1.0, 12), 3)
    0.757
    """
    middle = (share + LIKELY ** 2 / (2 * images)) / (1 + LIKELY ** 2 / images)
    return max(middle - share_error(share, images, LIKELY), 0.0)


def only_class(choices: Sequence[int]) -> int | None:
    """The class that all choices are; None if there are several."""
    return int(choices[0]) if len({int(choice) for choice in choices}) == 1 else None


def one_class(images: int, found: int | None) -> str:
    """What is to be said where every image has the class `found`; empty where there are several, or few images."""
    if found is None or images < TELLING:
        return ""
    return (f"warning: class {found} is the answer to each of {images:,} images: they say nothing of what is lost. Is "
            "the network trained, is --preset what it was trained with, are the images of several classes?")
