"""What place and route does otherwise where wires are crowded: in engines of two taps a cycle on eight banks and more.

Their wires are twice as long together as those of an engine with one tap, and most lead through the middle of the
device. Measured on the ULX3S-85F; docs/place_and_route.md has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass

from firelane.boards.board import Board
from firelane.boards.place.anneal.annealing import THOROUGH, Cooling

CROWDED_BANKS = 8       #: with two taps; 4 banks on an LFE5U-45F are routed as all others are
SPREADING = Cooling(rounds=250, temperature=2_500, reach=20, toll=1 << 14)


@dataclass(frozen=True)
class WireEffort:
    """How wires are kept apart.

    Parameters
    ----------
    cooling : Cooling
        Of annealing.
    ripup : bool
        Whether router2 lets wires that are late drive others out. Where many are crowded, that finds no end.
    """

    cooling: Cooling
    ripup: bool


def wire_effort(board: Board) -> WireEffort:
    """The effort for `board` with its engine."""
    if board.engine.taps_per_cycle == 2 and board.engine.banks >= CROWDED_BANKS:
        return WireEffort(SPREADING, ripup=False)
    return WireEffort(THOROUGH, ripup=board.ripup)
