"""Where blocks are stored: addresses in activation memory for blocks whose lifetimes are known.

Blocks get addresses one after the other, each the lowest that is free for its whole life. What decides is the order of
the blocks; several are tried, and in each a block that did not fit moves forward and the blocks behind it start again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from firelane.compiler.schedule.lifetimes import Lifetime
from firelane.compiler.schedule.steps import Block

ATTEMPTS = 60          # at finding addresses, for each order of blocks
PRIORITIES: tuple[Callable[[Lifetime], tuple], ...] = (
    lambda life: (-life.words, life.start - life.end, life.start),
    lambda life: (life.start - life.end, -life.words, life.start),
    lambda life: (life.start, -life.words, life.end),
    lambda life: (-life.words * (life.end - life.start + 1), life.start, life.end),
)


def find_addresses(lives: Sequence[Lifetime], words: int, attempts: int = ATTEMPTS) -> dict[Block, int] | None:
    """Address of each block in a memory of `words` words; None if there are none that fit, or none was found."""
    if any(life.words > words for life in lives):
        return None
    conflicts = _Conflicts(lives)
    for priority in PRIORITIES:
        order = sorted(range(len(lives)), key=lambda n: priority(lives[n]))
        addresses = _in_order(conflicts, order, words, attempts)
        if addresses is not None:
            return {life.block: int(address) for life, address in zip(lives, addresses)}
    return None


def _in_order(conflicts: _Conflicts, order: list[int], words: int, attempts: int) -> np.ndarray | None:
    """First fit in `order`; a block that does not fit is moved before the others that it could not evade.

    Blocks that come before it then keep their addresses.
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
        self.others = _together(lives)
        number = {life.block: index for index, life in enumerate(lives)}
        self.slack: dict[tuple[int, int], int] = {(index, number[block]): slack for index, life in enumerate(lives)
                                                  for block, slack in life.above.items()}
        self.special: list[list[tuple[int, str, int]]] = [[] for _ in lives]
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
            position = np.flatnonzero(others == other)
            if len(position) and role == "low":
                first[position] = addresses[other] + slack + 1
            elif len(position):
                last[position] = addresses[other] - slack - 1
        address = 0
        for index in np.argsort(first, kind="stable"):
            if first[index] > address:
                break
            address = max(address, int(last[index]) + 1) if last[index] >= first[index] else address
        return address


def _together(lives: Sequence[Lifetime]) -> list[np.ndarray]:
    """The numbers of the blocks that live at some time when each of `lives` does, in order.

    Sorted by start, they stand between the first that could live long enough and the last that starts early enough.
    """
    start = np.array([life.start for life in lives], np.int64)
    end = np.array([life.end for life in lives], np.int64)
    order = np.argsort(start, kind="stable")
    first = np.searchsorted(np.maximum.accumulate(end[order]), start, side="left")
    behind = np.searchsorted(start[order], end, side="right")
    found = []
    for number in range(len(lives)):
        near = order[first[number]:behind[number]]
        found.append(np.sort(near[(end[near] >= start[number]) & (near != number)]))
    return found
