"""Whether a file or folder can be written, asked before hours of work."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.interrupts import uninterrupted
from firelane.compiler.support.marker import not_ours
from firelane.compiler.support.swap import alone_in

_WRITTEN = "cannot be written: "


def real_path(path: Path) -> Path:
    """The absolute path behind symbolic links, so that these stay."""
    return Path(os.path.realpath(path))


def check_folder(folder: Path, kind: str, option: str) -> None:
    """Refuse a folder that `compiler.support.work_folder` could not write, or would have to take from the user.

    Raises
    ------
    ConfigError
        If it holds anything that Firelane did not write, is the folder that we are in, or cannot be made.
    """
    hint = f"nothing is deleted: name another folder with {option}"
    try:
        target = real_path(folder)
        if target == Path.cwd() or target in Path.cwd().parents:
            raise ConfigError(str(folder), "is the folder that you are in, or around it",
                              hint=f"name another with {option}")
        if os.path.lexists(target):
            with alone_in(target.parent):
                problem = not_ours(target, kind) if os.path.lexists(target) else None
            if problem is not None:
                raise ConfigError(str(folder), problem, hint=hint)
        _try(target)
    except OSError as error:
        raise ConfigError(str(folder), f"{_WRITTEN}{error.strerror}",
                          hint=f"choose another folder with {option}") from None


def check_file(path: Path, option: str, *, inputs: tuple[Path | None, ...] = ()) -> None:
    """Refuse a file that could not be written, is no file, or is one of `inputs`.

    Raises
    ------
    ConfigError
        If so.
    """
    hint = f"name a file with {option}"
    try:
        target = real_path(path)
        if target.is_dir():
            raise ConfigError(str(path), "is a folder", hint=hint)
        if os.path.lexists(target) and not target.is_file():
            raise ConfigError(str(path), "is there already, and is no file", hint=hint)
        if any(given is not None and target == real_path(given) for given in inputs):
            raise ConfigError(str(path), "is what is read", hint=f"name another file with {option}")
        _try(target)
    except OSError as error:
        raise ConfigError(str(path), f"{_WRITTEN}{error.strerror}",
                          hint=f"name a file that can be written with {option}") from None


def _try(target: Path) -> None:
    """Raises OSError if nothing can be made beside it; folders that are missing are not made yet."""
    place = next(parent for parent in target.parents if os.path.lexists(parent))
    with uninterrupted():
        tried = tempfile.mkdtemp(prefix=f".{target.name}.", dir=place)
        with contextlib.suppress(FileNotFoundError):        # another writer may have tidied it up
            os.rmdir(tried)
