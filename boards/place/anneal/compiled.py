"""How the inner loops are compiled by Numba."""

from __future__ import annotations

from typing import Any

from numba import njit

# They allocate nothing, and their caller holds all arrays; so nobody has to count references to arrays at each call,
# which takes four fifths of the time otherwise (`_nrt`: Numba's run time for memory). Numba refuses a function that
# does allocate.
_OPTIONS: dict[str, Any] = {"cache": True, "_nrt": False}
compiled = njit(**_OPTIONS)
