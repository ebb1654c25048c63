"""Progress of a whole compression: how much is done of all attempts that it may take.

The unit is an attempt. What an attempt and a measurement of sensitivity take is counted in additions and products, so
that shares grow as time does; how many attempts a search needs is known only when it ends, and until then its total is
the most that it may need.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from firelane.compiler.compress.sensitivity import PROBES
from firelane.compiler.ir.graph import Conv, Graph
from firelane.compiler.support.progress import AT_MOST, Progress, silent

STAGE = "compressing"
GRADIENTS = 1 + 2 * PROBES          #: forward, then back to weights and to maps for each probe: products of a weight
LEVELS_OPERATIONS = 200             #: a level, for each that its error goes to; measured, as are both below
INVERSE_OPERATIONS = 30             #: an element of second moments, for each of their rows
COLUMN_OPERATIONS = 5e6             #: a column of weights, however short it is


class Course:
    """Where a compression is.

    Parameters
    ----------
    progress : callable
        Told the stage, which says the attempt and of how many, and what is done and will be, in attempts.
    most : int
        Attempts that the search makes at most.
    exact : bool
        Whether it makes just as many.
    further : int
        Attempts after the search, with measurements of sensitivity of their own: for a network to be judged, or made.
    """

    def __init__(self, progress: Progress = silent, most: int = 1, *, exact: bool = False, further: int = 0):
        self._progress, self._most, self._exact, self._further = progress, most, exact, further
        self._attempts = 0              # begun in this search
        self._done = self._sensitivity = 0.0
        self._what = ""                 # instead of the number of an attempt, when the search is over

    def begin(self, graph: Graph, images: int, multiples: int) -> None:
        """A compressor of so many images begins, which tries so many steps a layer."""
        self._nodes = node_operations(graph, images, multiples)
        whole = sum(self._nodes)
        self._sensitivity = self._sensitivity or images * GRADIENTS * 2 * _products(graph) / whole  # always the first's
        self._ends = np.cumsum(self._nodes) / whole

    def measuring(self, done: int, images: int) -> None:
        """So much of the sensitivity is measured."""
        self._tell(self._what or "measuring sensitivity", self._sensitivity * done / images)
        if done == images:
            self._done += self._sensitivity

    def attempt(self) -> Callable[[int], None]:
        """An attempt begins; what is returned is told how many nodes are finished."""
        self._attempts += 1
        most = f"{self._most}" if self._exact else f"{AT_MOST} {self._most}"
        what = self._what or f"attempt {self._attempts} of {most}"

        def tell(finished: int) -> None:
            self._tell(what, float(self._ends[finished - 1]) if finished else 0.0)
            if finished == len(self._ends):
                self._done += 1
        return tell

    def found(self, what: str) -> None:
        """The search is over; `what` is done now, in an attempt that is one of the `further` ones."""
        self._most, self._exact, self._what = self._attempts, True, what

    def _tell(self, what: str, part: float) -> None:
        total = self._sensitivity + self._most + self._further * (self._sensitivity + 1)
        self._progress(f"{STAGE}, {what}", self._done + part, total)


def node_operations(graph: Graph, images: int, multiples: int) -> list[float]:
    """What an attempt takes for each node, roughly in floating-point operations of products of matrices."""
    found = []
    for node in graph.nodes:
        pixels = float(np.prod(graph.tensors[node.output].shape[1:]))
        if not isinstance(node, Conv):
            found.append(images * float(np.prod(graph.tensors[node.output].shape)))
            continue
        channels, seen = len(node.weight), float(np.prod(node.weight.shape[1:]))
        moments = 2 * pixels * seen * seen * node.groups
        outputs = 2 * pixels * seen * channels
        levels = multiples * (LEVELS_OPERATIONS * channels * seen ** 2 + COLUMN_OPERATIONS * node.groups * seen)
        inverse = INVERSE_OPERATIONS * node.groups * seen ** 3
        found.append(2 * images * (moments + outputs) + levels + inverse)
    return found


def _products(graph: Graph) -> float:
    """Products of a weight and a pixel of one image."""
    return sum(float(node.weight.size) * float(np.prod(graph.tensors[node.output].shape[1:]))
               for node in graph.nodes if isinstance(node, Conv))
