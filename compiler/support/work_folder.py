"""A folder that is written all at once, and takes the place of nothing but an older one of its kind."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.compiler.support.files import write_file
from firelane.compiler.support.interrupts import uninterrupted
from firelane.compiler.support.marker import BUILD, FAILED, MARKER, mark, not_ours, with_files
from firelane.compiler.support.outputs import check_folder, real_path
from firelane.compiler.support.swap import alone_in, exchange
from firelane.compiler.support.workspace import NEW, OLD, TRASH, cannot_be_written, workspace

OPTION = "-o"


@contextlib.contextmanager
def replacing(folder: Path, kind: str, option: str = OPTION) -> Iterator[Path]:
    """An empty folder that takes the place of `folder` when the block ends well, in one step, and else is gone.

    Parameters
    ----------
    kind : one of `compiler.support.marker`, as what it is marked; an older one of the same kind is replaced
    option : of the command line, that names the folder

    Raises
    ------
    ConfigError
        If `folder` cannot be written, or holds anything that Firelane did not write.
    """
    check_folder(folder, kind, option)
    target = real_path(folder)
    with workspace(target, option) as work:
        fresh = work / NEW
        fresh.mkdir()
        yield fresh
        _put(work, target, kind, option)


@contextlib.contextmanager
def all_or_nothing(folder: Path, kind: str = BUILD) -> Iterator[Path]:
    """The same for a build; the logs of one that fails are moved to `folder` + ".failed"."""
    failed = folder.with_name(folder.name + ".failed")
    check_folder(failed, FAILED + kind, OPTION)
    with replacing(folder, kind) as fresh:
        try:
            yield fresh
        except Exception as error:
            if not any(fresh.iterdir()):
                raise
            _put(fresh.parent, real_path(failed), FAILED + kind, OPTION)
            if isinstance(error, ConfigError):            # it may name a log in there
                raise ConfigError(error.where, error.found, hint=error.hint.replace(str(fresh), str(failed))) from error
            raise


def adopt(folder: Path, names: Iterable[str]) -> None:
    """Take files that a command of ours has added to a finished folder, or changed there, into its marker."""
    text = with_files(folder, names)
    if text is not None:
        write_file(folder / MARKER, text.encode(), OPTION)


def _put(work: Path, target: Path, kind: str, option: str) -> None:
    """A workspace's new folder in place of `target`; the old one is looked at once more when it is out of reach."""
    new, old = work / NEW, work / OLD
    try:
        mark(new, kind)
        with uninterrupted(), alone_in(target.parent):
            if not os.path.lexists(target):
                new.rename(target)
                return
            refuse_foreign(target, target, kind, option)
            new.rename(old)
            _exchange(new, old, target)
            try:
                refuse_foreign(target, old, kind, option)
            except FirelaneError:
                if exchange(old, target):
                    old.rename(new)
                else:
                    target.rename(new)
                    old.rename(target)
                raise
            old.rename(work / TRASH)
    except OSError as error:
        raise cannot_be_written(target, error, option) from None


def _exchange(spare: Path, one: Path, other: Path) -> None:
    """Exchange two folders, where the system cannot do it in one step by way of a third name."""
    if not exchange(one, other):
        one.rename(spare)
        other.rename(one)
        spare.rename(other)


def refuse_foreign(name: Path, folder: Path, kind: str, option: str) -> None:
    """Raise ConfigError about `name` if `folder` holds anything but work of ours."""
    problem = not_ours(folder, kind)
    if problem is not None:
        raise ConfigError(str(name), problem, hint=f"nothing is deleted: name another folder with {option}")
