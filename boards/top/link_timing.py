"""What a host link counts in cycles."""

from __future__ import annotations

from dataclasses import dataclass

from firelane.hw.contract.timing import bit_cycles

SLICE_SECONDS = 0.005       #: how long an IMAGE command waits for an engine that takes nothing
PATIENCE_SECONDS = 2        #: after so long without a byte of image or result a run is abandoned


@dataclass(frozen=True, kw_only=True)
class LinkTiming:
    """A bit of the line, and the two times of `docs/host_link.md`."""

    bit_cycles: int
    slice_cycles: int
    patience_cycles: int


def link_timing(clock_hz: float, baud: int) -> LinkTiming:
    """The timing of a board's link.

    Raises
    ------
    ValueError
        If the clock cannot make the rate.
    """
    return LinkTiming(bit_cycles=bit_cycles(clock_hz, baud), slice_cycles=round(SLICE_SECONDS * clock_hz),
                      patience_cycles=round(PATIENCE_SECONDS * clock_hz))


# Of a simulated board: bytes come whole, one a cycle (boards/simulated/byte_board.py); an IMAGE command waits longer
# than most layers take; and the patience is many times what the largest network needs, and many times what passes
# while a host is silent (boards/simulated/running.py).
SIMULATED_TIMING = LinkTiming(bit_cycles=1, slice_cycles=40_000, patience_cycles=30_000_000)
