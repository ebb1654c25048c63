"""boards.block_sites: as many sites as the data sheet says, none twice, all on the device."""

import pytest

from boards import all_boards
from boards.block_sites import BLOCK_RAM, MULTIPLIER, block_sites

DEVICES = {board.device.name: board.device for board in all_boards() if block_sites(board.device.name)}


@pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES)
def test_all_sites_of_a_device(device):
    known = block_sites(device.name)
    assert len(known.sites[BLOCK_RAM]) == device.ebr
    assert len(known.sites[MULTIPLIER]) == device.dsp
    assert known.logic_tiles * 8 == device.lut
    everything = known.sites[BLOCK_RAM] + known.sites[MULTIPLIER]
    assert len({site.bel for site in everything}) == len(everything)
    for site in everything:
        assert 0 <= site.x < known.columns and 0 <= site.y < known.rows
        assert site.bel.startswith(f"X{site.x}/Y{site.y}/")


def test_the_large_devices_are_known_and_others_are_not():
    assert "LFE5U-85F" in DEVICES
    assert block_sites("LFE5U-25F") is None
