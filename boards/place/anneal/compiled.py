"""How the inner loops are compiled by Numba."""

from __future__ import annotations

from numba import njit

compiled = njit(cache=True)
