"""Images spread over the workers of a Dask cluster, found by the address of its scheduler."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from itertools import islice

import numpy as np
from distributed import Client, as_completed
from distributed.core import rpc
from distributed.scheduler import KilledWorker
from distributed.utils import silence_logging_cmgr

from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.compiler.support.progress import Progress
from firelane.sim.evaluate.job import EvaluationJob, Measured
from firelane.sim.evaluate.tasks import BATCH, BATCHES_AHEAD, STAGE, Pool, lost
from firelane.sim.evaluate.worker import code_digest


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


def _measure(client: Client, job: EvaluationJob, images: Sequence[np.ndarray], progress: Progress) -> list[Measured]:
    """What is measured of each image, in their order; never more than a few batches are on their way."""
    task = _task()
    try:
        [job_there] = client.scatter([pickle.dumps(job)], broadcast=True)
        starts = iter(range(0, len(images), BATCH))
        found: dict[int, Measured] = {}
        progress(STAGE, 0, len(images))

        def submit(start: int):
            batch = np.stack([images[index] for index in range(start, min(start + BATCH, len(images)))])
            return client.submit(task, job.key, job_there, code_digest(), start, batch.shape, batch.tobytes(),
                                 pure=False)
        ahead = BATCHES_AHEAD * sum(client.nthreads().values())
        waiting = as_completed([submit(start) for start in islice(starts, ahead)])
        for future in waiting:
            found.update(future.result())
            progress(STAGE, len(found), len(images))
            future.release()
            for start in islice(starts, 1):
                waiting.add(submit(start))
    except ImportError as error:
        raise FirelaneError("--scheduler", f"a worker does not have this package ({error})",
                            hint="install Firelane where the workers run") from None
    except (KilledWorker, CancelledError, OSError) as error:
        raise lost(error) from None
    return [found[index] for index in range(len(images))]
