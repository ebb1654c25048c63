"""Work with tools in another thread, and the progress of a build, seen from the files that it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from firelane.compiler.support.progress import Progress
from firelane.compiler.support.tool_processes import ToolProcesses

POLL_SECONDS = 0.5


def followed(work: Callable[[ToolProcesses], None], directory: Path, progress: Progress) -> None:
    """Do `work`, which builds in `directory`, and tell `progress` while it runs; what it raises is raised."""
    def look() -> None:
        done, total = compiled_bytes(directory)
        if done:
            progress("building the simulator: g++", done, total)
        else:
            progress("building the simulator: Verilator", 0, None)

    in_background(work, look)


def in_background(work: Callable[[ToolProcesses], None], look: Callable[[], None]) -> None:
    """Do `work` in another thread, and `look` from time to time; what either raises is raised.

    Parameters
    ----------
    work : callable
        Runs its tools by the `ToolProcesses` that it is given: they are ended where Ctrl-C, SIGTERM or an error comes
        while this waits.
    """
    processes = ToolProcesses()
    with ThreadPoolExecutor(max_workers=1) as pool:
        future = pool.submit(work, processes)
        try:
            while not future.done():
                wait([future], POLL_SECONDS)
                look()
        except BaseException:
            processes.end()
            raise
        future.result()


def compiled_bytes(directory: Path) -> tuple[int, int]:
    """Bytes of C++ in `directory` that have become objects, and all of them; Verilator's own library is left out."""
    sizes = {path: path.stat().st_size for path in directory.glob("V*.cpp")}
    return sum(size for path, size in sizes.items() if path.with_suffix(".o").exists()), sum(sizes.values())
