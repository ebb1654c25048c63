"""compiler.schedule.addresses: no overlap of what lives together, tight where that is possible."""

import numpy as np
import pytest

from firelane.compiler.schedule.addresses import _together, find_addresses
from firelane.compiler.schedule.lifetimes import Lifetime
from firelane.compiler.schedule.steps import Block


def life(name: str, words: int, start: int, end: int, **above: int) -> Lifetime:
    return Lifetime(Block(name, 0), words, start, end, {Block(other, 0): slack for other, slack in above.items()})


def check(lives, addresses, words):
    for one in lives:
        assert 0 <= addresses[one.block] <= words - one.words
        for two in lives:
            apart = (addresses[one.block] + one.words <= addresses[two.block]
                     or addresses[two.block] + two.words <= addresses[one.block])
            in_place = two.block in one.above and addresses[one.block] <= addresses[two.block] + one.above[two.block]
            in_place |= one.block in two.above and addresses[two.block] <= addresses[one.block] + two.above[one.block]
            together = one.start <= two.end and two.start <= one.end
            assert one is two or apart or in_place or not together


@pytest.mark.parametrize("seed", range(20))
def test_random_lives(seed):
    rng = np.random.default_rng(seed)
    lives = []
    for number in range(60):
        start = int(rng.integers(0, 50))
        lives.append(life(str(number), int(rng.integers(1, 40)), start, start + int(rng.integers(0, 12))))
    addresses = find_addresses(lives, 1000)
    check(lives, addresses, 1000)


def test_fills_the_memory_to_the_last_word():
    lives = [life("a", 60, 0, 4), life("b", 40, 0, 2), life("c", 40, 3, 6), life("d", 60, 5, 6)]
    check(lives, find_addresses(lives, 100), 100)


def test_in_place_shares_words():
    lives = [life("a", 64, 0, 3), life("b", 64, 3, 5, a=0)]
    addresses = find_addresses(lives, 64)
    assert addresses == {Block("a", 0): 0, Block("b", 0): 0}
    assert find_addresses([*lives[:1], life("b", 64, 3, 5)], 64) is None


def test_in_place_with_a_channel_offset_needs_the_slack():
    lives = [life("a", 64, 0, 3), life("b", 64, 3, 5, a=-16)]
    assert find_addresses(lives, 64) is None
    check(lives, find_addresses(lives, 80), 80)


def test_too_large():
    assert find_addresses([life("a", 65, 0, 0)], 64) is None


def test_who_lives_together_is_what_comparing_all_pairs_finds():
    rng = np.random.default_rng(1)
    for count in range(14):
        start = rng.integers(0, 12, count)
        end = start + rng.integers(0, rng.choice([2, 12]), count)
        lives = [Lifetime(Block("b", number), 1, int(first), int(last))
                 for number, (first, last) in enumerate(zip(start, end))]
        pairs = (start[:, None] <= end[None, :]) & (start[None, :] <= end[:, None]) & ~np.eye(count, dtype=bool)
        assert [found.tolist() for found in _together(lives)] == [np.flatnonzero(row).tolist() for row in pairs]
