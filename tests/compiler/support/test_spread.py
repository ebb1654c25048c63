"""`compiler.support.spread`: images of all classes, whatever order a folder has."""

import pytest

from firelane.compiler.support.spread import spread


@pytest.mark.parametrize("count, limit", [(300, 30), (1000, 100), (999, 420), (7, 6), (5, 1)])
def test_one_of_each_part(count, limit):
    chosen = spread(count, limit)
    assert len(chosen) == limit
    for index, number in enumerate(chosen):
        assert index * count // limit <= number < (index + 1) * count // limit


def test_all_where_there_are_no_more():
    assert spread(4, 4) == spread(4, 9) == [0, 1, 2, 3]


@pytest.mark.parametrize("period", range(2, 21))
def test_a_set_that_repeats_its_classes(period):
    """Each class, and none much more often than the others, although the parts are as long as the period."""
    chosen = spread(20 * period * period, 20 * period)
    counts = [sum(number % period == one for number in chosen) for one in range(period)]
    assert min(counts) >= 10 and max(counts) <= 30


def test_a_set_that_is_sorted_by_class():
    counts = [sum(number // 100 == one for number in spread(1000, 50)) for one in range(10)]
    assert counts == [5] * 10
