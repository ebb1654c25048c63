"""Which price of a bit: the one that fills a budget, or the highest that loses no more accuracy than allowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from firelane.compiler.compress.compressor import Attempt
from firelane.compiler.support.errors import CapacityError

FIRST_SLOPE = 2e-7              #: divergence (nats an image) a bit, to begin a search with
ELASTICITY = 4.0                #: slope ~ bytes ** -ELASTICITY, until two attempts say better
CLOSE_ENOUGH = 0.006            #: part of a budget that may be left over
ATTEMPTS = 8
MOST_ELASTIC = 12.0             #: that two attempts are believed
STEEPEST = 1000.0               #: how much a search may change the slope from one attempt to the next
STRIDE = 1.1                    #: of slopes, for each attempt, where sizes do not follow them
HALVINGS = 5                    #: of the range of slopes, in a search for accuracy
LOWEST, HIGHEST = 5e-9, 2e-6    #: that range


def within_budget(compress: Callable[[float], Attempt], budget: int, *, option: str = "--budget",
                  larger: str = "give a larger budget") -> Attempt:
    """The attempt that fills `budget` bytes of ROM best.

    Parameters
    ----------
    option, larger : str
        What set the budget, and what to do about it, for the error.

    Raises
    ------
    CapacityError
        If none fits; says the smallest size that was reached.
    """
    tried: list[Attempt] = []
    slope = FIRST_SLOPE
    while len(tried) < ATTEMPTS:
        tried.append(compress(slope))
        best = max((attempt for attempt in tried if attempt.bytes <= budget), key=lambda a: a.bytes, default=None)
        if best is not None and best.bytes >= budget * (1 - CLOSE_ENOUGH):
            break
        if best is None and len(tried) > ATTEMPTS // 2:
            break
        if _is_saturated(tried, budget):
            break
        slope = next_slope(tried, budget)
        if slope in {attempt.slope for attempt in tried}:
            break               # it would be the same attempt again
    if best is None:
        least = min(attempt.bytes for attempt in tried)
        raise CapacityError(option, f"{budget:,} bytes cannot be reached; {least:,} bytes was the smallest",
                            hint=f"{larger}, or prune the network first")
    return best


def within_drop(compress: Callable[[float], Attempt], drop_of: Callable[[Attempt], float], most: float) -> Attempt:
    """The attempt of the highest slope, to within a few percent of bytes, whose `drop_of` is at most `most`.

    Raises
    ------
    CapacityError
        If even the lowest slope loses more.
    """
    low, high = np.log([LOWEST, HIGHEST])
    best = compress(LOWEST)
    least = drop_of(best)
    if least > most:
        raise CapacityError("--max-drop", f"{100 * least:.2f} points are lost already with next to no compression",
                            hint="allow more, or give other calibration images or another --method")
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        attempt = compress(float(np.exp(middle)))
        if drop_of(attempt) <= most:
            best, low = attempt, middle
        else:
            high = middle
    return best


def _is_saturated(tried: Sequence[Attempt], budget: int) -> bool:
    """Whether there is nothing to spend bytes on: at next to no price there are hardly more than at a higher one."""
    if len(tried) < 2:
        return False
    before, last = tried[-2:]
    return (before.slope > last.slope <= LOWEST and max(before.bytes, last.bytes) <= budget
            and last.bytes <= (1 + CLOSE_ENOUGH) * before.bytes)


def next_slope(tried: Sequence[Attempt], budget: int) -> float:
    """The slope at which log(slope) against log(bytes) meets the budget: between the nearest attempts or beyond."""
    goal = np.log(budget * (1 - CLOSE_ENOUGH / 2))
    below = max((attempt for attempt in tried if attempt.bytes <= budget), key=lambda a: a.bytes, default=None)
    above = min((attempt for attempt in tried if attempt.bytes > budget), key=lambda a: a.bytes, default=None)
    if below is not None and above is not None and below.slope > above.slope:
        slope = float(np.exp(np.interp(goal, np.log([below.bytes, above.bytes]), np.log([below.slope, above.slope]))))
        return slope if slope not in {attempt.slope for attempt in tried} else float(np.sqrt(slope * above.slope))
    last = below or above
    assert last is not None, "nothing was tried"
    change = np.clip(_elasticity(tried) * (np.log(last.bytes) - goal), -np.log(STEEPEST), np.log(STEEPEST))
    return _further(float(last.slope * np.exp(change)), tried, below, above)


def _further(slope: float, tried: Sequence[Attempt], below: Attempt | None, above: Attempt | None) -> float:
    """The slope, or one beyond all that were tried, where it is not and they all lie on the same side of the budget.

    Sizes are not quite monotonic: a higher price may give a few bytes more, and the nearest attempt the same slope
    again.
    """
    slopes = [attempt.slope for attempt in tried]
    stride = STRIDE ** len(tried)
    if below is None and slope <= max(slopes):
        return max(slopes) * stride
    if above is None and slope >= min(slopes):
        return min(slopes) / stride
    return slope


def _elasticity(tried: Sequence[Attempt]) -> float:
    """The change of log(slope) for log(bytes): of the last two attempts if they say, else a guess."""
    if len(tried) > 1 and tried[-1].bytes != tried[-2].bytes:
        before, last = tried[-2:]
        slopes, sizes = np.log([before.slope, last.slope]), np.log([before.bytes, last.bytes])
        found = (slopes[1] - slopes[0]) / (sizes[0] - sizes[1])
        if found > 0:
            return float(np.clip(found, 1.0, MOST_ELASTIC))
    return ELASTICITY
