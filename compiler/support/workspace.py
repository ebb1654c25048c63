"""A hidden folder beside what is to be written, which is gone whatever happens.

    .NAME.x1y2z3w4/lock     locked as long as its writer lives
                   new      what is being written
                   old      what it takes the place of, until that is known to be ours; or the new one, just before
                   trash    what may go

Only a writer that is killed (SIGKILL, power) leaves one; the next writer of the same NAME removes it.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.interrupts import uninterrupted
from firelane.compiler.support.marker import is_ours
from firelane.compiler.support.swap import alone_in

FULL = (errno.ENOSPC, errno.EDQUOT)         #: no room on the disk, or in what a user may have of it
LOCK, NEW, OLD, TRASH = "lock", "new", "old", "trash"
_TEXT = b"Firelane writes here; the folder is removed when it is done.\n"
_live: dict[Path, int] = {}             # workspaces of this process, and which process that is


@contextlib.contextmanager
def workspace(target: Path, option: str) -> Iterator[Path]:
    """A workspace for `target`, with absolute path and its parents made.

    Parameters
    ----------
    option : of the command line, that named the target

    Raises
    ------
    ConfigError
        If nothing can be written there.
    """
    missing = [parent for parent in target.parents if not parent.exists()]
    work = lock = None
    try:
        try:
            with uninterrupted():
                target.parent.mkdir(parents=True, exist_ok=True)
                with alone_in(target.parent):
                    remove_strays(target)
                    work, lock = _made(target)
        except OSError as error:
            raise cannot_be_written(target, error, option) from None
        yield work
    finally:
        with uninterrupted():
            if work is not None and lock is not None:
                _removed(work)
                os.close(lock)
            for parent in missing:              # innermost first; one that holds something stays
                with contextlib.suppress(OSError):
                    parent.rmdir()


def cannot_be_written(target: Path, error: OSError, option: str, needed: int = 0) -> ConfigError:
    """The error to raise where the system refuses; where the disk is full, with the bytes that are needed, if known."""
    reason, full = error.strerror or str(error), error.errno in FULL
    if full and needed:
        reason += f", {needed:,} bytes are needed"
    return ConfigError(str(target), f"cannot be written: {reason}",
                       hint=f"make room, or name another with {option}" if full else f"name another with {option}")


def remove_strays(target: Path) -> None:
    """Remove what writers of `target` that were killed have left. Where these had moved it away, it comes back."""
    pattern = re.compile(re.escape(f".{target.name}.") + r"[a-z0-9_]{8}")
    for stray in target.parent.iterdir():
        if not pattern.fullmatch(stray.name) or stray.is_symlink() or not stray.is_dir():
            continue
        lock = _abandoned_lock(stray)
        if lock is None:
            with contextlib.suppress(OSError):      # killed before there was a lock: it is empty
                stray.rmdir()
            continue
        try:
            if (stray / OLD).exists() and not os.path.lexists(target):
                (stray / OLD).rename(target)
            _removed(stray)
        finally:
            os.close(lock)


def _made(target: Path) -> tuple[Path, int]:
    """A new workspace, and its open lock."""
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    _live[work] = os.getpid()
    work.chmod(0o755)
    lock = os.open(work / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.write(lock, _TEXT)
    return work, lock


def _abandoned_lock(stray: Path) -> int | None:
    """The lock of a workspace whose writer is gone, open and taken; None if it is in use, or the folder is none."""
    try:
        lock = os.open(stray / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.read(lock, len(_TEXT) + 1) in (_TEXT, b""):
            return lock
    except OSError:
        pass
    os.close(lock)
    return None


def _removed(work: Path) -> None:
    """Remove a workspace; what it took the place of goes only if it is ours."""
    for name in (NEW, TRASH):
        shutil.rmtree(work / name, ignore_errors=True)
    if (work / OLD).exists():
        if not is_ours(work / OLD):
            return
        (work / OLD).rename(work / TRASH)
        shutil.rmtree(work / TRASH, ignore_errors=True)
    with contextlib.suppress(OSError):
        (work / NEW).unlink(missing_ok=True)        # of a single file
        (work / LOCK).unlink(missing_ok=True)
        work.rmdir()
    _live.pop(work, None)


@atexit.register
def _remove_all() -> None:
    """Remove those that an exception has slipped past: one can come between any two instructions."""
    for work, process in list(_live.items()):
        if process == os.getpid():
            _removed(work)
