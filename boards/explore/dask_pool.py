"""Networks spread over the workers of a Dask cluster: one that is started here, or one that there is."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
from collections.abc import Callable, Iterator, Sequence

from distributed import Client, Future, LocalCluster
from distributed.utils import silence_logging_cmgr

from firelane.boards.explore.run import Pool, Rows, Task, code_digest
from firelane.sim.evaluate.cluster import connected, spread

SECONDS = 10.0          #: until a scheduler that is silent, or has no workers, counts as not there
HERE = "127.0.0.1"      #: other machines cannot reach it; other users of this one can, as of any Dask cluster
AHEAD = 4               #: networks that wait for each thread of a worker


@contextlib.contextmanager
def local(workers: int | None) -> Iterator[Pool]:
    """A pool of `workers` processes of this machine, as many as there are processors if None."""
    count = workers or len(os.sched_getaffinity(0))
    with silence_logging_cmgr(logging.CRITICAL), LocalCluster(
            n_workers=count, threads_per_worker=1, host=HERE, dashboard_address=None,
            silence_logs=logging.CRITICAL) as cluster, Client(cluster) as client:
        yield lambda tasks: _spread(client, tasks)


@contextlib.contextmanager
def remote(address: str) -> Iterator[Pool]:
    """A pool of the workers of a scheduler; they need this package, in the same version."""
    with connected(address, SECONDS, SECONDS) as client:
        yield lambda tasks: _spread(client, tasks)


def _task() -> Callable:
    """The function that Dask carries to a worker; being local, it travels as code, see `sim.evaluate.cluster`."""
    def cost(code, task):
        import pickle  # noqa: PLC0415

        from firelane.boards.explore.point import cost_of_member  # noqa: PLC0415 (this function runs elsewhere)
        from firelane.boards.explore.run import code_digest  # noqa: PLC0415
        from firelane.compiler.support.errors import FirelaneError  # noqa: PLC0415
        if code != code_digest():
            raise FirelaneError("--scheduler", "a worker has another version of Firelane",
                                hint="install the same one on all machines")
        return cost_of_member(*pickle.loads(task))
    return cost


def _spread(client: Client, tasks: Sequence[Task]) -> Iterator[tuple[int, Rows]]:
    """Rows by number, as they are finished."""
    function, code = _task(), code_digest()

    def submit(number: int) -> Future:
        return client.submit(function, code, pickle.dumps(tasks[number]), pure=False)
    return spread(client, range(len(tasks)), submit, AHEAD)
