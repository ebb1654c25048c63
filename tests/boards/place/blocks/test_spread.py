"""boards.place.blocks.spread: no more anywhere than fits, order kept, nothing moved without need."""

import numpy as np
import pytest

from firelane.boards.place.blocks.spread import spread

EXTENT = {"columns": 64, "rows": 32}


def test_a_heap_is_spread_to_the_density():
    rng = np.random.default_rng(3)
    x, y = 30 + rng.random(4000), 15 + rng.random(4000)
    sx, sy = spread(x, y, np.ones(4000), np.arange(4000), density=4.0, **EXTENT)
    counts, _, _ = np.histogram2d(sx, sy, bins=(8, 4), range=((0, 64), (0, 32)))
    assert counts.max() <= 4.0 * 64 * 1.25          # of 8 x 8 tiles
    assert np.corrcoef(x, sx)[0, 1] > 0.8 and np.corrcoef(y, sy)[0, 1] > 0.8


def test_what_has_room_stays():
    rng = np.random.default_rng(4)
    x, y = rng.random(200) * 64, rng.random(200) * 32
    sx, sy = spread(x, y, np.ones(200), np.arange(200), density=20.0, **EXTENT)
    assert sx == pytest.approx(x) and sy == pytest.approx(y)


def test_only_the_cells_that_are_named_move():
    x, y = np.full(600, 10.0), np.full(600, 10.0)
    sx, sy = spread(x, y, np.ones(600), np.arange(300), density=1.0, **EXTENT)
    assert (sx[300:] == 10).all() and (sy[300:] == 10).all() and np.ptp(sx[:300]) > 5
