"""What a worker process runs; nothing happens when this module is imported."""

from __future__ import annotations

import ctypes
import pickle
import threading
from functools import lru_cache
from pathlib import Path

import numpy as np

from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.sources import source_digest
from firelane.sim.evaluate.job import Measured, Networks

KEPT = 2                               # networks of so many jobs: a sweep goes from one to the next
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3          # names of glibc's malloc.h for mallopt
MMAP_BYTES, TRIM_BYTES = 32 << 20, 1 << 30       # the first is the most that mallopt takes
DECIDED_BY = ("firelane.sim", "firelane.compiler")     #: packages that decide about the numbers
_networks: dict[str, Networks] = {}
_lock = threading.Lock()


def measure_batch(key: str, job: bytes, code: str, start: int, shape: tuple[int, int, int, int],
                  pixels: bytes) -> list[tuple[int, Measured]]:
    """Measures images number `start` and following.

    Parameters
    ----------
    key : of the job
    job : the pickled `EvaluationJob`
    shape, pixels : of the images, uint8 (N, C, H, W)
    code : `code_digest()` of the process that adds up

    Raises
    ------
    FirelaneError
        If this process has another version of the code.
    """
    if code != code_digest():
        raise FirelaneError("--scheduler", "a worker has another version of Firelane",
                            hint="install the same one on all machines")
    keep_memory()
    networks, batch = _built(key, job), np.frombuffer(pixels, np.uint8).reshape(shape)
    return [(start + index, networks.measure(image)) for index, image in enumerate(batch)]


def measure_file_batch(key: str, job: Path, start: int, batch: np.ndarray) -> list[tuple[int, Measured]]:
    """The same on the machine that asks, where the job is in a file and the code is the same."""
    networks = _built(key, job)
    return [(start + index, networks.measure(image)) for index, image in enumerate(batch)]


def _built(key: str, job: bytes | Path) -> Networks:
    with _lock:                                          # a worker may have several threads
        if key not in _networks:
            while len(_networks) >= KEPT:
                del _networks[next(iter(_networks))]
            _networks[key] = Networks(pickle.loads(job.read_bytes() if isinstance(job, Path) else job))
        return _networks[key]


def code_digest() -> str:
    """The digest of the sources that decide about the numbers."""
    return source_digest(*DECIDED_BY)


@lru_cache
def keep_memory() -> None:
    """Tell glibc's malloc to keep what is freed.

    Dask starts workers with MALLOC_TRIM_THRESHOLD_, which makes every array of a layer come fresh from the operating
    system and go back at once: the reference then takes four times as long. Where there is no glibc, nothing is done.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, MMAP_BYTES)
        mallopt(TRIM_THRESHOLD, TRIM_BYTES)
