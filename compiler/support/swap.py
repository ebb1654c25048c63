"""Two names of one folder exchanged in one step, and a lock for what takes two."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NOT_THERE = (errno.ENOSYS, errno.EINVAL, errno.EPERM, errno.ENOTSUP)     # of kernels, file systems and sandboxes


def exchange(one: Path, other: Path) -> bool:
    """Exchange what stands under two names: at every moment both are there. False if this system cannot do that.

    Raises
    ------
    OSError
        If one is missing, or may not be renamed.
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:                  # a C library older than glibc 2.28
        return False
    names = (ctypes.c_char_p(os.fsencode(path.absolute())) for path in (one, other))
    first, second = names
    if rename(_AT_FDCWD, first, _AT_FDCWD, second, ctypes.c_uint(_RENAME_EXCHANGE)) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_THERE:
        return False
    raise OSError(number, os.strerror(number), str(other))


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """The only process of ours that puts something into `folder`; others wait, and no file is left of the lock."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):      # a network file system may not lock folders
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)
