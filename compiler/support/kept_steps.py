"""Steps of a long command that share a folder: what a step made is kept as long as what it is made by is the same.

    build.json      the key of each step, the digest of every file that it wrote, and what it found

Files appear whole, and only where there is nothing, or an older one of ours; whatever else is in the folder stays. The
digest of a file is noted before the file is moved to its place, so a command that is killed between the two knows it
again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.files import read_file, write_file
from firelane.compiler.support.marker import MARKER, file_digest, marked_files, not_ours
from firelane.compiler.support.outputs import check_file, check_folder

RECORD = "build.json"
LOCK = ".firelane.lock"             #: held by the command that is at work
MOST_BYTES = 1 << 24                #: more than that is no record
KNOWN_VERSIONS = 2                  #: of a file: the one that is being written, and the one before
OPTION = "-o"
Folders = Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class Step:
    """What a step was made by, the digests of its files, and what it found."""

    key: str
    files: Mapping[str, str]
    facts: Mapping[str, Any]


@dataclass
class _Record:
    steps: dict[str, Step] = field(default_factory=dict)
    written: dict[str, list[str]] = field(default_factory=dict)     #: of each file, digests that we gave it


class KeptSteps:
    """The steps of one command in `folder`; made by `kept_steps`, which has checked and locked it.

    Parameters
    ----------
    folders : mapping
        Folder in `folder` that a step writes with `compiler.support.work_folder` -> what it is marked as, and the file
        in it by which it is known.
    """

    def __init__(self, folder: Path, kind: str, folders: Folders):
        self.folder = folder
        self._kind, self._folders = kind, folders
        self._record = _read(folder, kind) or _Record()

    def found(self, name: str, key: str) -> Mapping[str, Any] | None:
        """What a step found that was made by the same and whose files are as it wrote them; None if it must be made."""
        step = self._record.steps.get(name)
        if step is None or step.key != key or any(self._digest(file) != wanted for file, wanted in step.files.items()):
            return None
        return step.facts

    def keep(self, name: str, key: str, facts: Mapping[str, Any], files: Mapping[str, bytes] | None = None) -> None:
        """Write what a step made, and remember it; a name in `folders` is one that the step has written itself."""
        contents = dict(files or {})
        own = [file for file in contents if file in self._folders]
        digests = {file: self._digest(file) if file in own else hashlib.sha256(contents[file]).hexdigest()
                   for file in contents}
        for file in contents.keys() - own:
            before = [each for each in self._record.written.get(file, ()) if each != digests[file]]
            self._record.written[file] = [digests[file], *before][:KNOWN_VERSIONS]
        self._record.steps[name] = Step(key, digests, facts)
        self._save()
        for file in contents.keys() - own:
            write_file(self.folder / file, contents[file], OPTION)

    def forget(self, name: str) -> None:
        """Remember no longer what a step found: it is being made anew."""
        if self._record.steps.pop(name, None) is not None:
            self._save()

    def discard(self, name: str, file: str) -> None:
        """Forget a step that is not needed, and remove the file that it wrote."""
        if self._digest(file) in self._record.written.get(file, ()):
            (self.folder / file).unlink()
        self.forget(name)

    def refuse_foreign(self, files: tuple[str, ...]) -> None:
        """Raise ConfigError if a file or folder that is to be written is there already and none of ours."""
        for name, (kind, _) in self._folders.items():
            check_folder(self.folder / name, kind, OPTION)
        for name in files:
            path = self.folder / name
            check_file(path, OPTION)
            if os.path.lexists(path) and self._digest(name) not in self._record.written.get(name, ()):
                raise ConfigError(str(path), "is there already, and Firelane did not write it so",
                                  hint=f"nothing is deleted: move it, or name another folder with {OPTION}")

    def _digest(self, name: str) -> str:
        """A file's digest; of a folder the digest of the file by which it is known, if all in it is as it was made."""
        path = self.folder / name
        if name not in self._folders:
            return file_digest(path)
        kind, known_by = self._folders[name]
        return "" if not path.is_dir() or not_ours(path, kind) is not None else file_digest(path / known_by)

    def _save(self) -> None:
        document = {"firelane": self._kind, "steps": {name: asdict(step) for name, step in self._record.steps.items()},
                    "written": self._record.written}
        write_file(self.folder / RECORD, json.dumps(document, indent=1).encode() + b"\n", OPTION)


@contextlib.contextmanager
def kept_steps(folder: Path, kind: str, *, files: tuple[str, ...], folders: Folders) -> Iterator[KeptSteps]:
    """The steps that are kept in `folder`, for one command at a time.

    Parameters
    ----------
    kind : what the record says that the folder is
    files : that steps may write
    folders : see `KeptSteps`

    Raises
    ------
    ConfigError
        If the folder is in use or cannot be written, or has something else under one of these names.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise ConfigError(str(folder), "is no folder", hint=f"name another with {OPTION}")
    check_file(folder / RECORD, OPTION)
    if (folder / MARKER).exists():
        found = marked_files((folder / MARKER).read_bytes())[0] or "folder of another command"
        raise ConfigError(str(folder), f"is there already, and is a {found}", hint=f"name another folder with {OPTION}")
    if (folder / RECORD).exists() and _read(folder, kind) is None:
        raise ConfigError(str(folder / RECORD), "is there already, and Firelane did not write it so",
                          hint=f"nothing is deleted: move it, or name another folder with {OPTION}")
    KeptSteps(folder, kind, folders).refuse_foreign(files)
    with _alone(folder):
        yield KeptSteps(folder, kind, folders)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The folder, made if need be, for this command alone; a folder that nothing was written to is gone afterwards."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise ConfigError(str(folder), f"cannot be written: {error.strerror}",
                          hint=f"name another folder with {OPTION}") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(str(folder), "another command is at work in it", hint="wait for its end") from None
        yield
    finally:
        if missing and os.listdir(folder) == [LOCK]:
            (folder / LOCK).unlink(missing_ok=True)
        os.close(lock)
        for place in missing:               # innermost first; one that holds something stays
            with contextlib.suppress(OSError):
                place.rmdir()


def _read(folder: Path, kind: str) -> _Record | None:
    """The record, None if there is none of this kind, or a damaged one."""
    try:
        document = json.loads(read_file(folder / RECORD, MOST_BYTES))
        if document["firelane"] != kind:
            return None
        steps = {name: Step(**step) for name, step in document["steps"].items()}
        return _Record(steps, {name: list(digests) for name, digests in document["written"].items()})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
