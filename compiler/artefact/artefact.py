"""The folder that `firelane compile` writes: all of it or nothing."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from firelane.compiler.artefact import container
from firelane.compiler.artefact.file_names import MANIFEST, PROGRAM, ROM, SCHEDULE
from firelane.compiler.artefact.listing import listing
from firelane.compiler.artefact.manifest import manifest
from firelane.compiler.artefact.rom_images import rom_files
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.support.errors import FirelaneError
from firelane.hw.contract.memory_contents import WORD_BITS


def artefact_files(compiled: Compiled) -> dict[str, bytes]:
    """The files by name: the same bytes for the same network and engine, on any day and in any folder."""
    program = compiled.program
    files = {PROGRAM: container.to_bytes(program.contents),
             SCHEDULE: listing(program, compiled.plan).encode()}
    for name, words in program.contents.by_name.items():
        files |= {f"{ROM}/{file}": content for file, content in rom_files(name, words, WORD_BITS[name]).items()}
    return files | {MANIFEST: manifest(compiled, files).encode()}


def write_artefact(compiled: Compiled, folder: str | Path) -> None:
    """Write all files to `folder`, replacing an older artefact there.

    Everything is written beside it first and then renamed: an interrupted run leaves the old folder or the new one.

    Raises
    ------
    FirelaneError
        If the folder cannot be written, or holds something that is not an artefact of ours.
    """
    folder = Path(folder)
    if folder.exists() and not _is_replaceable(folder):
        raise FirelaneError(str(folder), "is there already and is no compiled network", hint="name another folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _replace(folder, artefact_files(compiled))
    except OSError as error:
        raise FirelaneError(str(folder), error.strerror or "cannot be written",
                            hint="name a folder that can be written with --output") from None


def _is_replaceable(folder: Path) -> bool:
    """An artefact, or an empty folder."""
    return folder.is_dir() and ((folder / MANIFEST).exists() or not any(folder.iterdir()))


def _replace(folder: Path, files: dict[str, bytes]) -> None:
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        work.chmod(0o755)
        fresh, old = work / "new", work / "old"
        for name, content in files.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if folder.exists():
            folder.rename(old)
        try:
            fresh.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
