"""The folder that `firelane compile` writes: all of it or nothing."""

from __future__ import annotations

from pathlib import Path

from firelane.compiler.artefact import container
from firelane.compiler.artefact.file_names import MANIFEST, PROGRAM, ROM, SCHEDULE
from firelane.compiler.artefact.listing import listing
from firelane.compiler.artefact.manifest import manifest
from firelane.compiler.artefact.rom_images import rom_files
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.support.marker import COMPILED
from firelane.compiler.support.work_folder import replacing
from firelane.compiler.support.workspace import cannot_be_written
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

    Everything is written beside it first, with a marker that holds the digest of every file, and takes its place in one
    step: whoever looks, at whatever moment, finds the old folder or the new one.

    Raises
    ------
    FirelaneError
        If the folder cannot be written, or holds anything but an artefact of ours.
    """
    with replacing(Path(folder), COMPILED, "-o") as fresh:
        files = artefact_files(compiled)
        try:
            for name, content in files.items():
                path = fresh / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        except OSError as error:
            raise cannot_be_written(Path(folder), error, "-o", sum(map(len, files.values()))) from None
