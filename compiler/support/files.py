"""Files that are written whole or not at all; the build folder, digests of what is in it, and its locks."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.outputs import check_file, real_path
from firelane.compiler.support.workspace import NEW, cannot_be_written, workspace

VARIABLE = "FIRELANE_BUILD"


def build_root() -> Path:
    """The folder for everything that is kept: `FIRELANE_BUILD`, or `build` in the working directory."""
    return Path(os.environ.get(VARIABLE, "build")).resolve()


def digest(parts: Iterable[str | Path]) -> str:
    """16 hexadecimal digits of texts, and of the contents of files."""
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part.read_bytes() if isinstance(part, Path) else part.encode()).digest())
    return total.hexdigest()[:16]


def write_file(path: str | Path, content: bytes, option: str) -> None:
    """Write the whole file or nothing: beside it first, then renamed.

    Parameters
    ----------
    option : of the command line, that named the file

    Raises
    ------
    FirelaneError
        If it cannot be written.
    """
    check_file(Path(path), option)
    target = real_path(Path(path))
    with workspace(target, option) as work:
        fresh = work / NEW
        try:
            fresh.write_bytes(content)
            fresh.chmod(0o644)
            fresh.replace(target)
        except OSError as error:
            raise cannot_be_written(Path(path), error, option, len(content)) from None


def read_file(path: str | Path, most: int) -> bytes:
    """The bytes of a regular file: a pipe or a device would be read for ever.

    Raises
    ------
    OSError
        If it is none, cannot be read, or has more than `most` bytes; `strerror` says so.
    """
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise OSError(errno.EFBIG, f"has {size:,} bytes, {most:,} are possible")
        return file.read()


def open_file(path: str | Path) -> BinaryIO:
    """A regular file, open to be read.

    Raises
    ------
    OSError
        If it is none, or cannot be read; `strerror` says so.
    """
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer does not wait
    mode = os.fstat(opened).st_mode
    if not stat.S_ISREG(mode):
        os.close(opened)
        raise OSError(errno.EINVAL, "is a folder" if stat.S_ISDIR(mode) else "is no regular file")
    return os.fdopen(opened, "rb")


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """A lock that one process at a time holds; it is a file beside `directory`, which may be deleted meanwhile.

    Raises
    ------
    FirelaneError
        If nothing can be written there: `FIRELANE_BUILD`, or the folder that we are in, names the place.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        lock = directory.with_suffix(".lock").open("w")
    except OSError as error:
        raise FirelaneError(str(directory.parent), f"cannot be written: {error.strerror}",
                            hint=f"say with {VARIABLE}=FOLDER where to keep what is made") from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
