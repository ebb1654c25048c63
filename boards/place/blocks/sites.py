"""The places of a device that hold one block RAM or multiplier each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Site:
    """A place for one block: column, row, and nextpnr's name of it (BEL)."""

    x: int
    y: int
    bel: str


Sites = dict[str, tuple[Site, ...]]
"""By type of cell."""


@dataclass(frozen=True)
class BlockSites:
    """The sites of a device, its extent in tiles, and how many LUTs it has beside the blocks."""

    columns: int
    rows: int
    lut_count: int
    sites: Sites
