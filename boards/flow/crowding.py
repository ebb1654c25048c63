"""What place and route does otherwise where wires are crowded: in engines of two taps a cycle on eight banks and more.

Their wires are twice as long together as those of an engine with one tap, and most lead through the middle of the
device. Measured on the ULX3S-85F; docs/place_and_route.md has the figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from firelane.boards.board import Board
from firelane.boards.flow.floorplan import FROM_ALL, Search
from firelane.boards.flow.place_route import MARGIN, Goal
from firelane.boards.place.anneal.annealing import THOROUGH, Cooling
from firelane.boards.place.blocks.block_placement import Effort

CROWDED_BANKS = 8       #: with two taps; 4 banks on an LFE5U-45F are routed as all others are
IN_STRIPS = Search(seeds=(), effort=Effort(improving=10, strip_price=20, spread=True))
SPARE = 0.19            #: of the period, that paths should have left before routing
AROUND = {"router2/bbMargin/x": "10", "router2/bbMargin/y": "10"}      #: tiles beside a net's cells that it may use; 3
SPREADING = Cooling(rounds=300, temperature=2_500, reach=20, toll=1 << 15, time_price=1 << 12)


@dataclass(frozen=True)
class WireEffort:
    """How wires are kept apart.

    Parameters
    ----------
    search : Search
        For sites of block RAMs and multipliers.
    cooling : Cooling
        Of annealing.
    margin : float
        Of the period: see `place_route.Goal`.
    router : dict
        Likewise.
    ripup : bool
        Whether router2 lets wires that are late drive others out. Without it, a wire that was led around a crowd stays
        there when the crowd is gone: one or two of those decide the clock. Where many wires are late, that finds no
        end.
    """

    search: Search
    cooling: Cooling
    margin: float
    router: Mapping[str, str]
    ripup: bool

    def goal(self, hz: float) -> Goal:
        """What place and route are to reach for that clock."""
        return Goal(hz, self.cooling, self.margin, self.router)


def wire_effort(board: Board) -> WireEffort:
    """The effort for `board` with its engine."""
    if board.engine.taps_per_cycle == 2 and board.engine.banks >= CROWDED_BANKS:
        return WireEffort(IN_STRIPS, SPREADING, SPARE, AROUND, ripup=True)
    return WireEffort(FROM_ALL, THOROUGH, MARGIN, {}, ripup=board.ripup)
