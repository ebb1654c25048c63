"""The cycle counts that blocks and software share; the blocks' own tests compare them with what the blocks do."""

import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.timing import bit_cycles, load_cycles, load_requests, tile_gap_cycles, tile_tail_cycles


@pytest.mark.parametrize("clock_hz, baud, cycles", [(100e6, 3_000_000, 33), (25e6, 115200, 217)])
def test_bit_cycles(clock_hz, baud, cycles):
    assert bit_cycles(clock_hz, baud) == cycles


@pytest.mark.parametrize("clock_hz, baud", [(10e6, 3_000_000), (13e6, 2_900_000)])
def test_bit_cycles_refuses_what_the_clock_cannot_make(clock_hz, baud):
    with pytest.raises(ValueError, match=r"^a clock of [\d.]+ MHz cannot make \d+ baud to within 2%: "
                                         r"a bit would be [\d.]+ cycles$"):
        bit_cycles(clock_hz, baud)


@pytest.mark.parametrize("banks, weight_words, cycles", [(1, 6144, 28), (2, 10_240, 29), (4, 34_816, 31),
                                                         (8, 8192, 35), (8, 67_584, 35), (16, 8192, 43)])
def test_cycles_of_a_tile_beside_its_taps(banks, weight_words, cycles):
    """As long as the drain takes, which goes bank by bank, or the way through the largest weight memory."""
    assert tile_gap_cycles(EngineConfig(banks=banks, weight_words=weight_words)) == cycles


def test_a_tile_is_written_before_the_next_can_read_it():
    for banks in (1, 2, 4, 8, 16):
        for weight_words in (64, 6144, 1 << 18):
            cfg = EngineConfig(banks=banks, weight_words=weight_words)
            assert tile_gap_cycles(cfg) > tile_tail_cycles(cfg, averages=True) > tile_tail_cycles(cfg, averages=False)


def test_a_colour_image_is_written_in_words():
    """224 columns, split, 6 channels in each of two image rows: 8 parts; one column's bytes complete a part's words."""
    row = {"map_rows": 1, "image_columns": 224, "channels": 3, "space_to_depth": True}
    one, two = EngineConfig(), EngineConfig(taps_per_cycle=2)
    requests = load_requests(two, **row)
    assert len(requests) == 2 * 8 * 6 and load_requests(one, **row) == ()
    assert requests[:7] == (81, 82, 83, 84, 85, 86, 165)
    assert load_cycles(one, **row) == 2 * 224 * 3 + 1 and load_cycles(two, **row) == 2 * 224 * 3 + 12
