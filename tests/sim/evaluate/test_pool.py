"""Images spread over processes: the same digits whoever works, and every way in which workers can be missing."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.compiler.support.progress import silent
from firelane.models.catalogue import EMBEDDED
from firelane.models.digits import load_split
from firelane.sim.evaluate import evaluate, workers
from firelane.sim.evaluate.plan import DERIVED
from firelane.sim.evaluate.pool import in_process
from firelane.sim.evaluate.tasks import BATCH
from tests.limits import FOREVER

COUNT = 3 * BATCH + 1                  # so that the last batch is a small one
PATIENT = {"seconds": FOREVER, "worker_seconds": FOREVER}
MOMENT = 0.01                          # of waiting for what is known not to come
# Without dashboard, on free ports of this machine; it says where. The scheduler is not to need our code: it is hidden
# from it.
SCHEDULER = """
import asyncio, sys
sys.modules["firelane"] = None
from distributed import Scheduler
async def run():
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False, dashboard_address="127.0.0.1:0") as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()
asyncio.run(run())
"""
WORKER = """
import sys
if sys.argv[2] == "bare":
    sys.modules["firelane"] = None
from distributed.cli.dask_worker import main
main([sys.argv[1], "--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0", "--no-nanny", "--nthreads", "2"])
"""


@pytest.fixture(scope="module")
def digits():
    """Model, images and labels."""
    held_out = load_split()[1]
    images = np.ascontiguousarray(held_out.images[:COUNT].transpose(0, 3, 1, 2))
    return EMBEDDED["digits"], list(images), held_out.labels[:COUNT].tolist()


@pytest.fixture(scope="module")
def here(digits):
    """What this process alone finds."""
    model, images, labels = digits
    return evaluate(model, images, labels=labels, float_model=DERIVED)


@pytest.fixture
def start(tmp_path):
    """Starts a scheduler, with a worker ("complete" or "bare") or without; gives its address."""
    processes = []

    def run(source: str, *arguments: str) -> subprocess.Popen:
        process = subprocess.Popen([sys.executable, "-c", source, *arguments], stderr=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=os.environ)
        processes.append(process)
        return process

    def begin(kind: str | None) -> str:
        address = run(SCHEDULER).stdout.readline().strip()
        assert address, "the scheduler does not start"
        if kind is not None:
            run(WORKER, address, kind)
        return address
    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def test_two_processes(digits, here):
    model, images, labels = digits
    told = []
    with workers(2) as pool:
        for _ in range(2):                               # a pool is used again and again
            assert evaluate(model, images, labels=labels, float_model=DERIVED, pool=pool,
                            progress=lambda *step: told.append(step)) == here
        other = evaluate(EMBEDDED["digits-bypass"], images, labels=labels, pool=pool)
    assert other == evaluate(EMBEDDED["digits-bypass"], images, labels=labels)
    assert told[0] == ("evaluating", 0, COUNT) and told[-1] == ("evaluating", COUNT, COUNT)


def inode_of(socket_file: Path) -> str | None:
    """The number of a socket that a process has open; None of another file, or one that is closed again."""
    try:
        target = os.readlink(socket_file)
    except OSError:
        return None
    return target[len("socket:["):-1] if target.startswith("socket:[") else None


def listened_on(processes) -> set[str]:
    """Local addresses and paths of the listening sockets that the processes have open."""
    held = {inode_of(file) for process in processes for file in Path(f"/proc/{process}/fd").iterdir()}
    found = set()
    for table in ("tcp", "tcp6"):
        rows = [row.split() for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
        found |= {row[1] for row in rows if row[3] == "0A" and row[9] in held}
    rows = [row.split() for row in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return found | {" ".join(row[7:]) for row in rows if int(row[3], 16) & 0x10000 and row[6] in held}


def test_nobody_else_can_talk_to_local_processes(monkeypatch):
    before, threads = signal.getsignal(signal.SIGINT), os.environ.get("OMP_NUM_THREADS")
    asked = []
    monkeypatch.setattr(ProcessPoolExecutor, "__init__", lambda executor, *given, make=ProcessPoolExecutor.__init__,
                        **options: asked.append(executor) or make(executor, *given, **options))
    with workers(2):
        assert signal.getsignal(signal.SIGINT) is before and os.environ.get("OMP_NUM_THREADS") == threads
        processes = list(asked[0]._processes)
        assert len(processes) == 2
        assert asked[0].submit(signal.getsignal, signal.SIGINT).result() == signal.SIG_IGN
        assert asked[0].submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
        assert listened_on([os.getpid(), *processes]) == set()


def test_listening_sockets_are_found():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert listened_on([os.getpid()]) == {f"0100007F:{server.getsockname()[1]:04X}"}


def test_a_worker_that_is_lost(digits, monkeypatch):
    model, images, _ = digits
    monkeypatch.setattr("firelane.sim.evaluate.pool.measure_file_batch", lost)
    with workers(1) as pool, pytest.raises(FirelaneError, match="^workers: workers were lost, or their scheduler"):
        evaluate(model, images, pool=pool)


def lost(*arguments):
    os._exit(9)


def test_scheduler_by_address(digits, here, start, monkeypatch):
    model, images, labels = digits
    with workers(scheduler=start("complete"), **PATIENT) as pool:
        assert evaluate(model, images, labels=labels, float_model=DERIVED, pool=pool) == here
        monkeypatch.setattr("firelane.sim.evaluate.cluster.code_digest", lambda: "another")
        with pytest.raises(FirelaneError, match="^scheduler: a worker has another version of Firelane; install the"):
            evaluate(model, images, pool=pool)


def test_worker_without_our_code(digits, start):
    model, images, _ = digits
    with (workers(scheduler=start("bare"), **PATIENT) as pool,
          pytest.raises(FirelaneError, match="^scheduler: a worker does not have this package .*; install Firelane")):
        evaluate(model, images, pool=pool)


def test_scheduler_without_workers(start):
    address = start(None)
    message = f"^scheduler: {address} has no workers; start some: dask worker {address}"
    with (pytest.raises(ConfigError, match=message),
          workers(scheduler=address, seconds=FOREVER, worker_seconds=MOMENT)):
        pass


def test_scheduler_that_does_not_answer():
    """Nobody listens; somebody listens and is silent."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        for _ in range(2):
            with (pytest.raises(ConfigError, match=f"^scheduler: {address}: no answer in {MOMENT} s; the address of"),
                  workers(scheduler=address, seconds=MOMENT)):
                pass
            silent.listen(5)


@pytest.mark.parametrize("address", ["host", "host:port", "ftp://host:21", ""])
def test_what_is_no_address(address):
    with pytest.raises(ConfigError, match=f"^scheduler: {address}: not an address; "), workers(scheduler=address):
        pass


def test_workers_of_both_kinds_are_refused():
    with (pytest.raises(ConfigError, match="^workers: 2, but the workers of tcp://x:1 are to be used; leave out"),
          workers(2, "tcp://x:1")):
        pass


def test_no_workers_is_this_process():
    with workers(0) as pool:
        assert pool is in_process


def test_errors_of_workers_arrive_whole(digits):
    """A tensor of another size is found where the network runs."""
    from dataclasses import replace

    from firelane.sim.evaluate.plan import plan
    model, images, _ = digits
    job = plan(model, float_model=DERIVED).job
    wrong = replace(job, key="wrong", pairs=((job.pairs[0][0], job.pairs[-1][1]),))
    with workers(1) as pool, pytest.raises(FirelaneError, match="give the float model that was quantized$") as error:
        pool(wrong, images, lambda *step: None)
    assert error.value.where.startswith("tensor ") and error.value.hint == "give the float model that was quantized"


def never(*arguments: object) -> None:
    """A batch that takes for ever."""
    signal.pause()


class Interrupted(list):
    """Images of which the second batch is never read: Ctrl-C comes before."""

    def __getitem__(self, part):
        if part.start:
            raise KeyboardInterrupt
        return super().__getitem__(part)


def test_ctrl_c_does_not_wait_for_an_image(monkeypatch):
    monkeypatch.setattr("firelane.sim.evaluate.pool.measure_file_batch", never)
    before = multiprocessing.active_children()
    images = Interrupted([np.zeros((1, 2, 2), np.uint8)] * (BATCH + 1))
    with pytest.raises(KeyboardInterrupt), workers(1) as pool:
        pool(SimpleNamespace(key="key"), images, silent)
    assert multiprocessing.active_children() == before
