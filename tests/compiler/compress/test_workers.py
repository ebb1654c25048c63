"""compiler.compress.workers: results in order, and an end that waits for nobody."""

import threading

import pytest

from firelane.compiler.compress.workers import workers


def test_results_come_in_the_order_of_the_items():
    with workers(2) as threads:
        assert list(threads.map(lambda number: number * number, range(20))) == [n * n for n in range(20)]


def test_an_exception_ends_it_at_once():
    """One item is at work, and ends only after the block; those that wait are never begun."""
    begun, released, ended = threading.Event(), threading.Event(), threading.Event()
    worked = []

    def work(number: int) -> int:
        worked.append(number)
        if number == 1:
            begun.set()
            released.wait()
            ended.set()
        return number
    with pytest.raises(KeyboardInterrupt), workers(1) as threads:
        results = threads.map(work, range(10))
        assert next(results) == 0
        begun.wait()
        raise KeyboardInterrupt
    assert not ended.is_set() and worked == [0, 1]
    released.set()
    ended.wait()
    assert worked == [0, 1]
