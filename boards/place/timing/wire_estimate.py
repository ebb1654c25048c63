"""How long a wire takes, as a placer estimates it before there is a route."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class WireEstimate(NamedTuple):
    """Delay by the columns and rows between the ends of a wire; its unit is what a far tile adds."""

    base: int           #: units of a wire within a tile
    near_tiles: int     #: the first tiles along each axis take twice as long as those behind


def wire_units(estimate: WireEstimate, dx, dy):
    """Units of a wire over `dx` columns and `dy` rows: integers, or arrays of them."""
    dx, dy = np.abs(dx), np.abs(dy)
    return estimate.base + dx + dy + np.minimum(dx, estimate.near_tiles) + np.minimum(dy, estimate.near_tiles)
