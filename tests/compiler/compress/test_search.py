"""compiler.compress.search: on made-up relations between price, size and accuracy."""

from dataclasses import dataclass

import pytest

from firelane.compiler.compress.search import CLOSE_ENOUGH, HIGHEST, LOWEST, within_budget, within_drop
from firelane.compiler.support.errors import CapacityError


@dataclass(frozen=True)
class Made:
    slope: float
    bytes: int


def maker(scale: float, power: float, least: int = 0):
    return lambda slope: Made(slope, max(least, int(scale * slope ** -power)))


@pytest.mark.parametrize("scale, power", [(6000, 0.25), (20_000, 0.15), (200, 0.4), (1000, 0.25)])
@pytest.mark.parametrize("budget", [300_000, 336_000, 50_000])
def test_the_budget_is_filled(scale, power, budget):
    found = within_budget(maker(scale, power), budget)
    assert budget * (1 - CLOSE_ENOUGH) <= found.bytes <= budget


def test_a_network_that_is_small_anyway_is_fine():
    assert within_budget(lambda slope: Made(slope, 1000), 336_000).bytes == 1000


def test_the_search_ends_where_bytes_buy_nothing():
    """A network of at most 90 000 bytes, and an engine with room for ten times as much."""
    tried = []

    def compress(slope):
        tried.append(slope)
        return Made(slope, min(90_000, int(1000 * slope ** -0.25)))
    assert within_budget(compress, 900_000).bytes == 90_000
    assert len(tried) == 3 and tried[-1] <= LOWEST


@pytest.mark.parametrize("rough, least, most", [({200: 15_176, 212: 15_655}, 14_910, 15_000),
                                                ({200: 17_800, 186: 17_700}, 17_890, 18_000)])
def test_sizes_that_do_not_follow_the_price_for_a_while(rough, least, most):
    """Sizes that were seen, of the digits: a higher price gave more bytes; and the other way round."""
    tried = []

    def compress(slope):
        tried.append(slope)
        return Made(slope, rough.get(round(slope * 1e9), int(17_040 * (slope / 2e-7) ** -0.5)))
    assert least <= within_budget(compress, most).bytes <= most
    assert len(set(tried)) == len(tried), "the same attempt twice"


def test_an_engine_that_is_too_small_is_named():
    message = r"^board: 10,000 bytes cannot be reached; 90,000 bytes was the smallest; choose a larger board, or .*$"
    with pytest.raises(CapacityError, match=message):
        within_budget(maker(6000, 0.25, least=90_000), 10_000, option="--board", larger="choose a larger board")


def test_an_impossible_budget_says_what_was_reached():
    message = r"^budget: 10,000 bytes cannot be reached; 90,000 bytes was the smallest; give a larger budget, or .*$"
    with pytest.raises(CapacityError, match=message):
        within_budget(maker(6000, 0.25, least=90_000), 10_000)


def test_the_highest_price_that_loses_little():
    found = within_drop(lambda slope: Made(slope, 0), lambda made: made.slope * 1e4, 0.002)
    assert 0.75 * 2e-7 < found.slope <= 2e-7


def test_a_drop_that_is_there_from_the_start():
    message = r"^max_drop: 3\.00 points are lost already with next to no compression; .*$"
    with pytest.raises(CapacityError, match=message):
        within_drop(lambda slope: Made(slope, 0), lambda made: 0.03, 0.005)
    assert LOWEST < HIGHEST
