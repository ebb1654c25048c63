"""Progress of the build of a simulator, seen from the files that it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from firelane.compiler.support.progress import Progress

POLL_SECONDS = 0.5


def followed(work: Callable[[], None], directory: Path, progress: Progress) -> None:
    """Do `work`, which builds in `directory`, and tell `progress` while it runs; what it raises is raised."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        future = pool.submit(work)
        while not future.done():
            wait([future], POLL_SECONDS)
            done, total = compiled_bytes(directory)
            if done:
                progress("building the simulator: g++", done, total)
            else:
                progress("building the simulator: Verilator", 0, None)
        future.result()


def compiled_bytes(directory: Path) -> tuple[int, int]:
    """Bytes of C++ in `directory` that have become objects, and all of them; Verilator's own library is left out."""
    sizes = {path: path.stat().st_size for path in directory.glob("V*.cpp")}
    return sum(size for path, size in sizes.items() if path.with_suffix(".o").exists()), sum(sizes.values())
