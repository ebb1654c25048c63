"""The file by which a folder is known as one that Firelane wrote: what it is, and the digest of every file in it.

    {"digest": "...", "files": {"manifest.json": "...", ...}, "firelane": "compiled network"}

Only a folder whose every file is in the list, with the same content, is ever replaced or deleted.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

MARKER = "firelane.json"
MARKER_BYTES = 1 << 22              #: more than that is no marker
COMPILED, BUILD, PROJECT, SWEEP = "compiled network", "bitstream build", "Vivado project", "sweep of sizes"
STAGE = "stage of a build"
FAILED = "failed "                  #: before the kind: what is left of a build that failed


def mark(folder: Path, kind: str) -> None:
    """Write the marker of all files in `folder`, which is a `kind`."""
    files = {name: file_digest(folder / name) for name, inner in _walk(folder) if not inner and name != MARKER}
    (folder / MARKER).write_text(marker_text(kind, files))


def marker_text(kind: str, files: Mapping[str, str]) -> str:
    """The marker of files with these digests."""
    record = {"firelane": kind, "files": dict(files), "digest": _digest(kind, files)}
    return json.dumps(record, indent=1, sort_keys=True) + "\n"


def with_files(folder: Path, names: Iterable[str]) -> str | None:
    """The marker of `folder` with some files as they are now; None if it has none."""
    kind, files = _read(folder)
    return marker_text(kind, files | {name: file_digest(folder / name) for name in names}) if kind else None


def is_ours(folder: Path) -> bool:
    """Whether it is empty, or something that Firelane wrote, and holds nothing else."""
    return not_ours(folder, _read(folder)[0]) is None


def not_ours(folder: Path, kind: str) -> str | None:
    """What in `folder` is none of the work of ours that `kind` names, in words; None if all of it is.

    An empty folder has nothing to lose. Files of the marker that are gone do not matter.
    """
    if folder.is_symlink() or not folder.is_dir():
        return "is no folder"
    try:
        if not any(folder.iterdir()):
            return None
        found, files = _read(folder)
        if not found:
            return "is there already, and Firelane did not write it"
        if found != kind:
            return f"is there already, and is a {found}"
        foreign = next(_foreign(folder, files), None)
        return None if foreign is None else f"holds what Firelane did not write ({foreign})"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def marked_files(marker: bytes) -> tuple[str, dict[str, str]]:
    """Kind, and digests by name, of a marker's bytes; an empty kind if they are none, or damaged."""
    try:
        record = json.loads(marker)
        kind, files, digest = record["firelane"], record["files"], record["digest"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return "", {}
    if not isinstance(kind, str) or not isinstance(files, dict) or digest != _digest(kind, files):
        return "", {}
    return kind, files


def read_whole(folder: Path, names: Iterable[str], limit: int) -> dict[str, bytes]:
    """The bytes of some files, all of one folder, though a writer may be putting another one in its place.

    Raises
    ------
    OSError
        If one is missing, no regular file, or has more than `limit` bytes; its `filename` says which.
    """
    while True:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return {name: _bytes_in(opened, name, limit) for name in names}
        except FileNotFoundError:
            before, now = os.fstat(opened), os.stat(folder)
            if (before.st_dev, before.st_ino) == (now.st_dev, now.st_ino):
                raise
        finally:
            os.close(opened)


def _bytes_in(folder: int, name: str, limit: int) -> bytes:
    with open(os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "is no regular file", name)
        if found.st_size > limit:
            raise OSError(errno.EFBIG, f"has more than {limit:,} bytes", name)
        return file.read()


def _read(folder: Path) -> tuple[str, dict[str, str]]:
    try:
        return marked_files(read_whole(folder, [MARKER], MARKER_BYTES)[MARKER])
    except OSError:
        return "", {}


def _digest(kind: str, files: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps([kind, files], sort_keys=True).encode()).hexdigest()


def _foreign(folder: Path, files: Mapping[str, str]) -> Iterator[str]:
    """What is not in the list, or not as it was; a folder in it with a marker of its own is ours if that says so."""
    for name, inner in _walk(folder):
        if inner:
            kind, inside = _read(folder / name)
            yield from (f"{name}/{each}" for each in (_foreign(folder / name, inside) if kind else [MARKER]))
        elif name != MARKER and files.get(name) != file_digest(folder / name):
            yield name


def _walk(folder: Path, below: str = "") -> Iterator[tuple[str, bool]]:
    """What is in it, by path: (name, False) of each file, (name, True) of each folder that has a marker of its own."""
    for entry in sorted(os.scandir(folder / below), key=lambda entry: entry.name):
        name = f"{below}/{entry.name}" if below else entry.name
        if not entry.is_dir(follow_symlinks=False):
            yield name, False
        elif os.path.lexists(folder / name / MARKER):
            yield name, True
        else:
            yield from _walk(folder, name)


def file_digest(path: Path) -> str:
    """SHA-256 of a regular file; what is none has no digest that a marker could hold."""
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
