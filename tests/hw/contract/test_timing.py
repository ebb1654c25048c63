"""The cycle counts that blocks and software share; the blocks' own tests compare them with what the blocks do."""

import pytest

from firelane.hw.contract.timing import bit_cycles


@pytest.mark.parametrize("clock_hz, baud, cycles", [(100e6, 3_000_000, 33), (25e6, 115200, 217)])
def test_bit_cycles(clock_hz, baud, cycles):
    assert bit_cycles(clock_hz, baud) == cycles


@pytest.mark.parametrize("clock_hz, baud", [(10e6, 3_000_000), (13e6, 2_900_000)])
def test_bit_cycles_refuses_what_the_clock_cannot_make(clock_hz, baud):
    with pytest.raises(ValueError, match=r"^a clock of [\d.]+ MHz cannot make \d+ baud to within 2%: "
                                         r"a bit would be [\d.]+ cycles$"):
        bit_cycles(clock_hz, baud)
