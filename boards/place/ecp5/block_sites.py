"""Where ECP5 devices have their block RAMs and multipliers, and what nextpnr calls these places (BELs).

Sources: Project Trellis' tile grid of the device, and the BELs that nextpnr gives to a design that uses every block.
"""

from __future__ import annotations

from firelane.boards.place.blocks.sites import BlockSites, Site, Sites
from firelane.boards.place.ecp5.slice_rules import PLACES
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist

BLOCK_RAM, MULTIPLIER = "DP16KD", "MULT18X18D"      #: types of cells, as Yosys and nextpnr call them


def _groups(starts: tuple[int, ...], rows: tuple[int, ...], offsets: dict[int, str]) -> tuple[Site, ...]:
    """Blocks stand in rows, in groups of nine columns; `offsets` names the BELs of a group by their columns."""
    return tuple(Site(start + offset, row, f"X{start + offset}/Y{row}/{name}")
                 for row in rows for start in starts for offset, name in offsets.items())


_STARTS_85F = (*range(4, 59, 9), *range(69, 115, 9))        # the spine of the clocks is between them
_LFE5U_85F = BlockSites(columns=126, rows=96, lut_count=PLACES * 10_455, sites={
    BLOCK_RAM: _groups(_STARTS_85F, (22, 46, 70, 82), {0: "EBR0", 2: "EBR1", 4: "EBR2", 6: "EBR3"}),
    MULTIPLIER: _groups(_STARTS_85F, (10, 34, 58), {0: "MULT18_0", 1: "MULT18_1", 4: "MULT18_4", 5: "MULT18_5"}),
})
_DEVICES = {"LFE5U-85F": _LFE5U_85F, "LFE5UM5G-85F": _LFE5U_85F}


def block_sites(device: str) -> BlockSites | None:
    """The sites of the device called `device`, None where they are not known here."""
    return _DEVICES.get(device)


def occupied_sites(netlist: PlacedNetlist) -> Sites:
    """The sites where nextpnr has put blocks, for devices that are not known here."""
    return {kind: tuple(Site(int(netlist.x[cell]), int(netlist.y[cell]), bel)
                        for cell, bel in netlist.block_bel.items() if netlist.cells[cell].type == kind)
            for kind in (BLOCK_RAM, MULTIPLIER)}
