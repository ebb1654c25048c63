"""Files that are written whole or not at all; the build folder, digests of what is in it, and its locks."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from firelane.compiler.support.errors import FirelaneError


def build_root() -> Path:
    """The folder for everything that is made: `FIRELANE_BUILD`, or `build` in the working directory."""
    return Path(os.environ.get("FIRELANE_BUILD", "build")).resolve()


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
    path = Path(path)
    if path.is_dir():
        raise FirelaneError(str(path), "is a folder", hint=f"name a file with {option}")
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise FirelaneError(str(path), error.strerror or "cannot be written",
                            hint=f"name a file that can be written with {option}") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """A lock that one process at a time holds; it is a file beside `directory`, which may be deleted meanwhile."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with open(directory.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
