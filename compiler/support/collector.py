"""Python's garbage collector, called less often."""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 100_000, 50, 100       # from 700, 10, 10


def collect_rarely() -> None:
    """Let the collector wait for more objects before it looks for those that nobody reaches.

    A design in Amaranth is millions of small objects that live to the end, and the collector visits them again and
    again: Verilog of an engine of 4 banks takes 17.1 s of processor time with Python's own settings and 8.0 s so, in
    about 10 MB more.
    """
    gc.set_threshold(YOUNG, MIDDLE, OLD)
