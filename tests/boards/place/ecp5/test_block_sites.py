"""boards.place.ecp5.block_sites: as many sites as the data sheet says, none twice, all on the device."""

import pytest

from firelane.boards import all_boards
from firelane.boards.place.blocks.sites import Site
from firelane.boards.place.ecp5.block_sites import BLOCK_RAM, MULTIPLIER, block_sites, occupied_sites
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from tests.boards.place.placed import lut, write_placed

DEVICES = {board.device.name: board.device for board in all_boards() if block_sites(board.device.name)}


@pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES)
def test_all_sites_of_a_device(device):
    known = block_sites(device.name)
    assert len(known.sites[BLOCK_RAM]) == device.ebr
    assert len(known.sites[MULTIPLIER]) == device.dsp
    assert known.lut_count == device.lut
    everything = known.sites[BLOCK_RAM] + known.sites[MULTIPLIER]
    assert len({site.bel for site in everything}) == len(everything)
    for site in everything:
        assert 0 <= site.x < known.columns and 0 <= site.y < known.rows
        assert site.bel.startswith(f"X{site.x}/Y{site.y}/")


def test_the_large_devices_are_known_and_others_are_not():
    assert "LFE5U-85F" in DEVICES
    assert block_sites("LFE5U-25F") is None


def test_of_other_devices_the_sites_that_nextpnr_uses_are_known(tmp_path):
    netlist = PlacedNetlist(write_placed(tmp_path, {
        "memory": (BLOCK_RAM, {}, "X6/Y22/EBR1", {"DOB0": 10}), "other": (BLOCK_RAM, {}, "X4/Y22/EBR0", {"DOB0": 11}),
        "product": (MULTIPLIER, {}, "X4/Y10/MULT18_0", {"P0": 12}),
        "pin": ("TRELLIS_IO", {}, "X0/Y9/PIOA", {"B": 13}), "lut": lut("X3/Y3/SLICEA.K0", 14, 10)})[0])
    assert occupied_sites(netlist) == {BLOCK_RAM: (Site(6, 22, "X6/Y22/EBR1"), Site(4, 22, "X4/Y22/EBR0")),
                                       MULTIPLIER: (Site(4, 10, "X4/Y10/MULT18_0"),)}
