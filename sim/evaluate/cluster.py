"""Images spread over the workers of a Dask cluster, found by the address of its scheduler."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from distributed import Client, Future, as_completed
from distributed.core import rpc
from distributed.scheduler import KilledWorker
from distributed.utils import silence_logging_cmgr

from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.compiler.support.progress import Progress
from firelane.sim.evaluate.job import EvaluationJob, Measured
from firelane.sim.evaluate.tasks import BATCH, BATCHES_AHEAD, STAGE, Pool, lost
from firelane.sim.evaluate.worker import code_digest

Task = TypeVar("Task")


@contextlib.contextmanager
def cluster(address: str, seconds: float, worker_seconds: float) -> Iterator[Pool]:
    """A pool of the workers of a Dask scheduler, see `pool.workers`."""
    with connected(address, seconds, worker_seconds) as client:
        yield lambda job, images, progress: _measure(client, job, images, progress)


@contextlib.contextmanager
def connected(address: str, seconds: float, worker_seconds: float) -> Iterator[Client]:
    """A client of a Dask scheduler that has workers.

    Raises
    ------
    FirelaneError
        If nothing answers there in so many seconds, or there are no workers after so many.
    """
    hint = "the address of a Dask scheduler, such as tcp://10.0.0.1:8786"
    try:
        asyncio.run(asyncio.wait_for(_identity(address, seconds), seconds))
    except OSError:                                      # TimeoutError is one
        raise ConfigError("--scheduler", f"{address}: no answer in {seconds:g} s", hint=hint) from None
    except (ValueError, TypeError):
        raise ConfigError("--scheduler", f"{address}: not an address", hint=hint) from None
    with silence_logging_cmgr(logging.CRITICAL), Client(address, timeout=seconds) as client:
        try:
            client.wait_for_workers(1, timeout=worker_seconds)
        except TimeoutError:
            raise ConfigError("--scheduler", f"{address} has no workers",
                              hint=f"start some: dask worker {address}") from None
        yield client


async def _identity(address: str, seconds: float) -> dict:
    """What a scheduler says of itself. `Client` is not asked: it waits for ever for one that accepts and is silent."""
    async with rpc(address, timeout=seconds, deserialize=False) as scheduler:
        return await scheduler.identity()


def _task() -> Callable:
    """The function that Dask carries to a worker.

    Being local, it travels as code, and imports nothing of ours before it runs there: so the scheduler, which unpickles
    what it passes on, needs Dask alone.
    """
    def measure(*arguments):
        from firelane.sim.evaluate.worker import measure_batch  # noqa: PLC0415 (this function runs elsewhere)
        return measure_batch(*arguments)
    return measure


def spread(client: Client, tasks: Iterable[Task], submit: Callable[[Task], Future],
           ahead: int) -> Iterator[tuple[Task, Any]]:
    """Each task and what a worker made of it, as they are finished; never more than a few are on their way.

    Parameters
    ----------
    submit : callable
        Task -> the future of what is to be made of it.
    ahead : int
        Tasks that wait for each thread of a worker.

    Raises
    ------
    FirelaneError
        If a worker does not have this package, or workers are lost.
    """
    waiting_tasks = iter(tasks)
    on_their_way: dict[Any, Task] = {}

    def send(task: Task) -> Future:
        future = submit(task)
        on_their_way[future.key] = task
        return future
    with _errors_told():
        first = islice(waiting_tasks, ahead * max(sum(client.nthreads().values()), 1))
        futures = as_completed([send(task) for task in first])
        for future in futures:
            yield on_their_way.pop(future.key), future.result()
            future.release()
            for task in islice(waiting_tasks, 1):
                futures.add(send(task))


@contextlib.contextmanager
def _errors_told() -> Iterator[None]:
    """What Dask raises, for the person who gave the scheduler's address."""
    try:
        yield
    except ImportError as error:
        raise FirelaneError("--scheduler", f"a worker does not have this package ({error})",
                            hint="install Firelane where the workers run") from None
    except (KilledWorker, CancelledError, OSError) as error:
        raise lost(error) from None


def _measure(client: Client, job: EvaluationJob, images: Sequence[np.ndarray], progress: Progress) -> list[Measured]:
    """What is measured of each image, in their order."""
    task, code = _task(), code_digest()
    with _errors_told():
        [job_there] = client.scatter([pickle.dumps(job)], broadcast=True)
    found: dict[int, Measured] = {}
    progress(STAGE, 0, len(images))

    def submit(start: int) -> Future:
        batch = np.stack([images[index] for index in range(start, min(start + BATCH, len(images)))])
        return client.submit(task, job.key, job_there, code, start, batch.shape, batch.tobytes(), pure=False)
    for _, measured in spread(client, range(0, len(images), BATCH), submit, BATCHES_AHEAD):
        found.update(measured)
        progress(STAGE, len(found), len(images))
    return [found[index] for index in range(len(images))]
