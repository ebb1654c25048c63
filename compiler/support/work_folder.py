"""A folder that is written all at once."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firelane.compiler.support.errors import ConfigError


@contextmanager
def all_or_nothing(folder: Path) -> Iterator[Path]:
    """A working folder beside `folder` that takes its place on success and vanishes on failure.

    The logs of a failed build are moved to `folder` + ".failed".

    Raises
    ------
    ConfigError
        If the folder cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise ConfigError(str(folder), f"cannot be written: {error.strerror}",
                          hint="choose another folder with -o") from error
    work.chmod(0o755)
    try:
        yield work
    except BaseException as error:
        failed = folder.with_name(folder.name + ".failed")
        shutil.rmtree(failed, ignore_errors=True)
        os.replace(work, failed)
        if isinstance(error, ConfigError):            # it may name a log in there
            raise ConfigError(error.where, error.found, hint=error.hint.replace(str(work), str(failed))) from error
        raise
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(work, folder)
