"""A new model in a finished bitstream, without synthesis, place and route."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from firelane.boards.contents.routed_design import RoutedDesign, check_engine, read_design
from firelane.boards.flow.pack_bitstream import BITSTREAM, pack, sha256
from firelane.compiler.artefact.container import read_contents
from firelane.compiler.artefact.file_names import PROGRAM
from firelane.compiler.support.errors import FirelaneError


@dataclass(frozen=True)
class Patched:
    """`words`: of program, weights and tables, read back from the bitstream and compared."""

    bitstream: Path
    design: RoutedDesign
    words: int
    sha256: str


def patch(config: Path, model: Path, output: Path) -> Patched:
    """Write the bitstream of the routed design `config` (a `top.config`) with the compiled model in folder `model`.

    `output` appears when it is complete and has been read back; `config` stays as it is.

    Raises
    ------
    FirelaneError
        If `config` is not a build of ours, or `model` is not a compiled model or one for another engine.
    ConfigError
        If a tool is missing or fails.
    """
    text, design = read_design(config)
    contents = read_contents(model / PROGRAM)
    check_engine(design, contents, model)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as folder:
            work = Path(folder)
            (work / "top.config").write_text(design.fill(text, contents))
            words = pack(work, "top.config", design, contents)
            os.replace(work / BITSTREAM, output)
    except OSError as error:
        raise FirelaneError(str(output), f"cannot be written: {error.strerror}",
                            hint="choose another file with -o") from error
    return Patched(output, design, words, sha256(output))
