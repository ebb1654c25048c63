"""Spreads images over processes: some of this machine, or a Dask cluster by the address of its scheduler.

The job travels once to each worker, images as arrays in small batches, so that no more than a few batches wait in
memory. What is measured of an image depends on that image alone.

Who can talk to a worker can have it run anything. So the processes of this machine are talked to by pipes, which other
users cannot open; no port is listened on. A Dask cluster is as open as whoever started it has left it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path

import numpy as np

from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.extras import from_extra
from firelane.compiler.support.progress import Progress
from firelane.sim.evaluate.job import EvaluationJob, Measured, Networks
from firelane.sim.evaluate.tasks import BATCH, BATCHES_AHEAD, STAGE, Pool, lost
from firelane.sim.evaluate.worker import measure_file_batch

CONNECT_SECONDS = 10.0
THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def in_process(job: EvaluationJob, images: Sequence[np.ndarray], progress: Progress) -> list[Measured]:
    """A pool without processes: one image after the other.

    NumPy's BLAS takes as many threads as there are processors; OPENBLAS_NUM_THREADS=1 is several times faster where
    these have other work.
    """
    networks = Networks(job)
    measured: list[Measured] = []
    for pixels in images:
        progress(STAGE, len(measured), len(images))
        measured.append(networks.measure(pixels))
    progress(STAGE, len(measured), len(images))
    return measured


@contextlib.contextmanager
def workers(count: int | None = None, scheduler: str | None = None, *, seconds: float = CONNECT_SECONDS,
            worker_seconds: float = CONNECT_SECONDS) -> Iterator[Pool]:
    """A pool of worker processes, for as long as the context lasts.

    Worker processes start by importing the main module, as always with `multiprocessing`: a script that calls this
    does so under `if __name__ == "__main__"`.

    Parameters
    ----------
    count : processes on this machine, as many as there are processors if None; 0: none, everything runs in this process
    scheduler : address of a Dask scheduler, such as tcp://10.0.0.1:8786, in place of local processes; its workers need
        this package, in the same version
    seconds, worker_seconds : until a scheduler that is silent, or workers that it does not have, count as not there

    Raises
    ------
    FirelaneError
        If there are no workers to be had.
    """
    if scheduler is not None and count is not None:
        raise ConfigError("--workers", f"{count}, but the workers of {scheduler} are to be used",
                          hint="leave out --workers or --scheduler")
    if count == 0:
        yield in_process
        return
    if scheduler is None:
        pools = _processes(count or len(os.sched_getaffinity(0)))
    else:
        pools = from_extra("firelane.sim.evaluate.cluster", "cluster", "--scheduler").cluster(scheduler, seconds,
                                                                                              worker_seconds)
    with pools as pool:
        yield pool


@contextlib.contextmanager
def _processes(count: int) -> Iterator[Pool]:
    """A pool of processes of this machine, reachable from nowhere else; an exception ends them with what they do."""
    with tempfile.TemporaryDirectory(prefix="firelane-job-") as folder:         # for this user alone
        context = multiprocessing.get_context("spawn")
        # None is ready before all are there: so each of the first tasks starts another one.
        executor = ProcessPoolExecutor(count, context, initializer=context.Barrier(count).wait)
        others = multiprocessing.active_children()
        try:
            with _no_interrupts(), _one_thread_each():
                wait([executor.submit(int) for _ in range(count)])
            yield lambda job, images, progress: _measure_here(executor, count, Path(folder), job, images, progress)
        except BaseException:           # Ctrl-C, too: an image can take seconds, and nobody wants its result
            for process in set(multiprocessing.active_children()).difference(others):
                process.terminate()
            raise
        finally:
            executor.shutdown(cancel_futures=True)


def _measure_here(executor: ProcessPoolExecutor, count: int, folder: Path, job: EvaluationJob,
                  images: Sequence[np.ndarray], progress: Progress) -> list[Measured]:
    """What is measured of each image, in their order; never more than a few batches are on their way."""
    file, starts = folder / "job", iter(range(0, len(images), BATCH))
    file.write_bytes(pickle.dumps(job))
    found: dict[int, Measured] = {}
    progress(STAGE, 0, len(images))

    def submit(start: int) -> Future:
        return executor.submit(measure_file_batch, job.key, file, start, np.stack(images[start:start + BATCH]))
    waiting: set[Future] = set()
    try:
        waiting = {submit(start) for start in islice(starts, BATCHES_AHEAD * count)}
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                found.update(future.result())
                progress(STAGE, len(found), len(images))
                waiting |= {submit(start) for start in islice(starts, 1)}
    except BrokenProcessPool as error:
        raise lost(error) from None
    finally:
        for future in waiting:
            future.cancel()
    return [found[index] for index in range(len(images))]


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that start here compute with one thread each: there is one for each processor."""
    before = {name: os.environ.get(name) for name in THREAD_SETTINGS}
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _no_interrupts() -> Iterator[None]:
    """Hide Ctrl-C from processes that start here: it is for this one, which then ends them without their words."""
    if threading.current_thread() is not threading.main_thread():        # where signals are not to be had
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
