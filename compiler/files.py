"""What is kept from run to run in the build folder: where it is, what identifies it, who may write it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path


def build_root() -> Path:
    """Where everything that is made goes: `FIRELANE_BUILD`, or `build` in the working directory."""
    return Path(os.environ.get("FIRELANE_BUILD", "build")).resolve()


def digest(parts: Iterable[str | Path]) -> str:
    """16 hexadecimal digits of texts, and of the contents of files."""
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part.read_bytes() if isinstance(part, Path) else part.encode()).digest())
    return total.hexdigest()[:16]


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """One process at a time; the lock stands beside `directory`, which may be deleted meanwhile."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with open(directory.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
