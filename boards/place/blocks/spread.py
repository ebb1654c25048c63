"""Spread cells that stand too close over the area that they need, in the order in which they stand."""

from __future__ import annotations

import numpy as np

SMALLEST = 2.0      #: tiles; a region of this size is not cut any more
NARROWEST = 0.05    #: of a half, for what is spread in it


def spread(x: np.ndarray, y: np.ndarray, area: np.ndarray, cells: np.ndarray, *, columns: float, rows: float,
           density: float) -> tuple[np.ndarray, np.ndarray]:
    """Positions of all cells, of which `cells` have moved: no region with much more than `density` of area a tile.

    The device is halved again and again. Where one half has more than fits, cells nearest to the cut go to the other.
    """
    x, y = x.copy(), y.copy()
    regions = [(cells, 0.0, 0.0, float(columns), float(rows))]
    while regions:
        members, left, low, right, high = regions.pop()
        if len(members) < 2 or max(right - left, high - low) <= SMALLEST:
            x[members], y[members] = np.clip(x[members], left, right), np.clip(y[members], low, high)
            continue
        room = density * (right - left) * (high - low) / 2
        if right - left >= high - low:
            middle = (left + right) / 2
            first, second = _halve(x, area, members, left, middle, right, room)
            regions += [(first, left, low, middle, high), (second, middle, low, right, high)]
        else:
            middle = (low + high) / 2
            first, second = _halve(y, area, members, low, middle, high, room)
            regions += [(first, left, low, right, middle), (second, left, middle, right, high)]
    return x, y


def _halve(position, area, members, low, middle, high, room):
    """Cells of the two halves. If one had more than `room`, both are laid out anew along the axis."""
    order = members[np.argsort(position[members], kind="stable")]
    filled = np.cumsum(area[order])
    total, cut = filled[-1], int(np.searchsorted(position[order], middle))
    before = filled[cut - 1] if cut else 0.0
    if max(before, total - before) <= room:
        return order[:cut], order[cut:]
    wanted = room if before > room else total - room
    if total > 2 * room:
        wanted = total / 2
    cut = int(np.searchsorted(filled, wanted))
    for part, begin, end, at_end in ((order[:cut], low, middle, True), (order[cut:], middle, high, False)):
        if len(part):
            _lay_out(position, area, part, begin, end, room, at_end)
    return order[:cut], order[cut:]


def _lay_out(position, area, part, begin, end, room, at_end):
    """Cells in their order between `begin` and `end`, each as wide as its area, nearest to the cut if they are few."""
    first, last = position[part].min(), position[part].max()
    if begin <= first and last <= end:
        return
    width = min(max(area[part].sum() / room, NARROWEST), 1.0) * (end - begin)
    first, last = max(begin, min(first, end)), min(end, max(last, begin))
    if at_end:
        first, last = max(begin, min(first, end - width)), end
    else:
        first, last = begin, min(end, max(last, begin + width))
    places = np.cumsum(area[part]) - area[part] / 2
    position[part] = first + (last - first) * places / max(places[-1], 1e-9)
