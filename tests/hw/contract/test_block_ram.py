"""How memories are cut into block RAMs."""

import pytest

from firelane.hw.contract.block_ram import bank_segments, weight_blocks


def test_segments_of_a_bank():
    assert bank_segments(1024) == [1024]
    assert bank_segments(1280) == [1024, 256]
    assert bank_segments(1281) == [1281]
    assert bank_segments(2048 + 64) == [2048, 64]
    assert bank_segments(200) == [200]


@pytest.mark.parametrize("words", [1, 512, 513, 4096, 9216, 74752, 74753])
def test_blocks_fill_block_rams(words):
    sizes = list(weight_blocks(words))
    assert sum(size // 512 for size in sizes) == -(-words // 512)
    assert sizes == sorted(sizes, reverse=True) and sum(sizes) - words < 512
