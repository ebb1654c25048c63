"""Images shared out among threads: NumPy lets go of Python's lock in products, which is where the time goes."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """Threads that compute results of items.

    Results come in the order of the items, so that sums of them do not depend on the number of threads.
    """

    def __init__(self, executor: ThreadPoolExecutor, count: int):
        self._executor, self._count = executor, count

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The function's results, like the built-in's; only a few results wait to be taken at any time."""
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(self._executor.submit(function, item))
            if len(waiting) > 2 * self._count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def workers(count: int | None = None) -> Iterator[Workers]:
    """Threads, as many as processors, each with one BLAS thread: so products do not depend on their number.

    Where the block ends by an exception, Ctrl-C among them, nothing more is begun or waited for.
    """
    count = count or len(os.sched_getaffinity(0))
    with threadpool_limits(1, user_api="blas"):
        executor = ThreadPoolExecutor(count)
        try:
            yield Workers(executor, count)
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise
        executor.shutdown()
