"""What a camera must say about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from firelane.hw.contract.camera import PixelFormat


@dataclass(frozen=True)
class Setting:
    """A value for a register; `name` as its data sheet has it, `why` in a few words."""

    register: int
    value: int
    name: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """A camera module at its parallel port, as its settings make it: 320 x 240 pixels.

    Times are in periods of its internal clock, which is the clock that it is given, divided by 1 to `dividers`.

    Parameters
    ----------
    name : str
        As on the command line.
    description : str
    address : int
        For writing, over SCCB.
    register_bytes : int
    format : PixelFormat
    clock_hz : (float, float)
        The least and the most that it may be given.
    dividers : int
    byte_periods : int
        From byte to byte of a line.
    line_periods : int
        From line to line.
    frame_periods : int
        Of a frame without dummy lines.
    tail_periods : int
        From the end of the last line to the end of the frame.
    dummy_periods : int
        That a dummy line adds to a frame.
    dummy_lines : int
        The most there may be.
    settings : function of divider and dummy lines
        What it is told after power-up, in this order.
    """

    name: str
    description: str
    address: int
    register_bytes: int
    format: PixelFormat
    clock_hz: tuple[float, float]
    dividers: int
    byte_periods: int
    line_periods: int
    frame_periods: int
    tail_periods: int
    dummy_periods: int
    dummy_lines: int
    settings: Callable[[int, int], tuple[Setting, ...]]
