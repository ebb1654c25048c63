"""Where blocks stand: offline placement of blocks with known lifetimes in the words of activation memory.

Blocks are placed one after the other at the lowest address that is free for their whole life. What decides is the
order; several are tried, and in each a block that did not fit moves to the front and the placement starts again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from firelane.compiler.schedule.lifetimes import Lifetime
from firelane.compiler.schedule.steps import Block

ATTEMPTS = 60          # placements tried for each order of blocks
PRIORITIES: tuple[Callable[[Lifetime], tuple], ...] = (
    lambda life: (-life.words, life.start - life.end, life.start),
    lambda life: (life.start - life.end, -life.words, life.start),
    lambda life: (life.start, -life.words, life.end),
    lambda life: (-life.words * (life.end - life.start + 1), life.start, life.end),
)


def place(lives: Sequence[Lifetime], words: int, attempts: int = ATTEMPTS) -> dict[Block, int] | None:
    """Address of each block in a memory of `words` words; None if no placement was found."""
    if any(life.words > words for life in lives):
        return None
    conflicts = _Conflicts(lives)
    for priority in PRIORITIES:
        order = sorted(range(len(lives)), key=lambda n: priority(lives[n]))
        addresses = _place_in_order(conflicts, order, words, attempts)
        if addresses is not None:
            return {life.block: int(address) for life, address in zip(lives, addresses)}
    return None


def _place_in_order(conflicts: _Conflicts, order: list[int], words: int, attempts: int) -> np.ndarray | None:
    """First fit in `order`; a block that does not fit is moved before the others that it could not evade.

    Those that stand before its new place keep their addresses.
    """
    addresses, first = np.full(len(order), -1, np.int64), 0
    for _ in range(attempts):
        for position in range(first, len(order)):
            number = order[position]
            address = conflicts.lowest_free(number, addresses)
            if address + conflicts.words[number] > words:
                break
            addresses[number] = address
        else:
            return addresses
        if position == 0:
            return None
        first = position // 2
        order.insert(first, order.pop(position))
        addresses[order[first:]] = -1
    return None


class _Conflicts:
    """Which blocks must not overlap, as intervals of addresses that one forbids the other."""

    def __init__(self, lives: Sequence[Lifetime]):
        self.words = np.array([life.words for life in lives], np.int64)
        start, end = (np.array([getattr(life, name) for life in lives], np.int64) for name in ("start", "end"))
        together = (start[:, None] <= end[None, :]) & (start[None, :] <= end[:, None])
        np.fill_diagonal(together, False)
        self.others = [np.flatnonzero(row) for row in together]
        number = {life.block: index for index, life in enumerate(lives)}
        self.slack: dict[tuple[int, int], int] = {(index, number[block]): slack for index, life in enumerate(lives)
                                                  for block, slack in life.above.items()}
        self.special = [[] for _ in lives]
        for (low, high), slack in self.slack.items():
            self.special[low].append((high, "low", slack))
            self.special[high].append((low, "high", slack))

    def lowest_free(self, number: int, addresses: np.ndarray) -> int:
        """The lowest address for block `number` that no placed block (address >= 0) forbids."""
        others = self.others[number]
        others = others[addresses[others] >= 0]
        first = addresses[others] - self.words[number] + 1          # forbidden: first .. last
        last = addresses[others] + self.words[others] - 1
        for other, role, slack in self.special[number]:
            place = np.flatnonzero(others == other)
            if len(place) and role == "low":
                first[place] = addresses[other] + slack + 1
            elif len(place):
                last[place] = addresses[other] - slack - 1
        address = 0
        for index in np.argsort(first, kind="stable"):
            if first[index] > address:
                break
            address = max(address, int(last[index]) + 1) if last[index] >= first[index] else address
        return address
