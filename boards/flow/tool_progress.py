"""How far a tool is, read from its log while it runs: shares that people can rely on to a third or so.

Yosys does a fixed list of passes, whose shares of its time hardly depend on the design. nextpnr's static placer raises
the price of overlap by the same factor in each iteration; its refinement ends when wires get no shorter; router2 ends
when no wire is overused, and the number of those falls nearly by the same factor in each iteration. Shares never fall.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from firelane.compiler.support.progress import Progress

Watch = Callable[[str], None]           #: told each line of a log

#: shares of the time of Yosys at the beginning of passes, measured with an engine of 2 banks for an LFE5U-25F
SYNTHESIS = {"2": 0.0, "4.6": 0.01, "4.12": 0.04, "4.15": 0.11, "4.25": 0.14, "4.28": 0.20, "4.29": 0.27, "4.32": 0.34,
             "4.34": 0.42, "4.35": 0.52, "5": 0.57, "6.3": 0.58, "6.3.17.4": 0.72, "6.4": 0.89, "8": 0.97}
_PASS = re.compile(r"(\d+(?:\.\d+)*)\. Executing ")

SPREADING_ITERATIONS = 240              #: of the static placer, for an engine of 2 banks; more for a fuller device
#: overlap in percent, from 100 down, and the share of the iterations after which it was reached there
OVERLAP = (99.5, 98.3, 95.1, 87.8, 75.6, 62.1, 47.9, 31.3, 18.0, 10.0)
SPREAD = (0.25, 0.34, 0.42, 0.50, 0.59, 0.67, 0.76, 0.84, 0.92, 1.0)
_ITERATION = re.compile(r"Info: iter=(\d+) steplen=")
_OVERLAP = re.compile(r"Info: overlap: COMB=([\d.]+)%, FF=([\d.]+)%")

LAST_GAIN = 2e-4                        #: of all wire, that an iteration of the refinement still saves at its end
_REFINEMENT = re.compile(r"Info:   at iteration #(\d+): .*wirelen = (\d+)")

FITTED = 8                              #: iterations of the router that the decay is fitted to
_ROUTING = re.compile(r"Info:     iter=(\d+) wires=\d+ overused=(\d+) ")


def synthesis(progress: Progress) -> Watch:
    """A watch on the log of Yosys."""
    report = _Share(progress)

    def watch(line: str) -> None:
        found = _PASS.match(line)
        if found and found[1] in SYNTHESIS:
            report("synthesis", SYNTHESIS[found[1]])
    report("synthesis", 0.0)
    return watch


class Nextpnr:
    """A watch on the log of nextpnr.

    Parameters
    ----------
    begins : str
        What the time until it places is called, of which nobody knows how long it takes.
    """

    def __init__(self, progress: Progress, begins: str = "reading the netlist"):
        self._progress, self._report = progress, _Share(progress)
        self._iteration = 0
        self._wires: list[tuple[int, int]] = []             # refinement: iteration, length
        self._overused: list[int] = []
        progress(begins, 0, None)

    def __call__(self, line: str) -> None:
        if found := _ITERATION.match(line):
            self._iteration = int(found[1])
        elif found := _OVERLAP.match(line):
            self._report("spreading cells", spread_share(self._iteration, max(float(found[1]), float(found[2]))))
        elif found := _REFINEMENT.match(line):
            self._wires.append((int(found[1]), int(found[2])))
            self._report("refining places", refined_share(self._wires))
        elif line.startswith("Info: Running main router loop"):
            self._report("routing", 0.0)
        elif found := _ROUTING.match(line):
            self._overused.append(int(found[2]))
            self._report("routing", routed_share(self._overused))
        elif line.startswith("Info: Router2 time"):
            self._progress("checking the routes", 0, None)


class _Share:
    """Tells shares of a stage, which never fall."""

    def __init__(self, progress: Progress):
        self._progress, self._stage, self._share = progress, "", 0.0

    def __call__(self, stage: str, share: float) -> None:
        self._share = max(share, self._share) if stage == self._stage else share
        self._stage = stage
        self._progress(stage, self._share, 1.0)


def spread_share(iteration: int, overlap: float) -> float:
    """The share of the static placer's work after an iteration that leaves so many percent of overlap.

    >>> spread_share(24, 99.9), spread_share(160, 62.1), spread_share(236, 9.7)
    (0.1, 0.67, 1.0)
    """
    if overlap >= OVERLAP[0]:
        return min(iteration / SPREADING_ITERATIONS, SPREAD[0])
    return float(np.interp(-overlap, [-each for each in OVERLAP], SPREAD))


def refined_share(wires: list[tuple[int, int]]) -> float:
    """The share of the refinement, from iterations and lengths of all wire: gains fall to `LAST_GAIN`.

    The last iteration is told twice.
    """
    gains = [(before - after) / max(last - first, 1) for (first, before), (last, after) in pairwise(wires)]
    least = max(LAST_GAIN * wires[-1][1], 1.0)
    if not gains or gains[0] <= least:
        return float(bool(gains))
    return min(math.log(gains[0] / max(gains[-1], least)) / math.log(gains[0] / least), 1.0)


def routed_share(overused: list[int]) -> float:
    """The share of the router's iterations, from overused wires after each: as if they went on to fall as they do."""
    last = overused[-1]
    if last == 0:
        return 1.0
    fitted = np.log(np.maximum(overused[-FITTED:], 1))          # there may be none, and some again for their timing
    if len(fitted) < 2:
        return 0.0
    decay = -float(np.polyfit(np.arange(len(fitted)), fitted, 1)[0])
    left = math.log(last) / decay + 1 if decay > 0 else math.inf
    return len(overused) / (len(overused) + left)
