"""A new model in a finished bitstream, without synthesis, place and route."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from firelane.boards.camera.record import check_camera, has_camera
from firelane.boards.contents.routed_design import RoutedDesign, check_engine, read_design
from firelane.boards.flow.pack_bitstream import BITSTREAM, pack, sha256
from firelane.compiler.artefact.container import read_contents
from firelane.compiler.artefact.file_names import PROGRAM
from firelane.compiler.artefact.reader import read_model
from firelane.compiler.support.outputs import check_file, real_path
from firelane.compiler.support.work_folder import OPTION
from firelane.compiler.support.workspace import NEW, cannot_be_written, workspace


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
        If `config` is not a build of ours, or `model` is not a compiled model, or one for another engine or, in a build
        with a camera, for other pictures.
    ConfigError
        If a tool is missing or fails.
    """
    check_file(output, OPTION, inputs=(config,))
    text, design = read_design(config)
    contents = read_contents(model / PROGRAM)
    check_engine(design, contents, model)
    if has_camera(config.parent):
        check_camera(config.parent, read_model(model))
    target = real_path(output)
    with workspace(target, OPTION) as space:
        work = space / NEW
        try:
            work.mkdir()
            (work / "top.config").write_text(design.fill(text, contents))
            words = pack(work, "top.config", design, contents)
            os.replace(work / BITSTREAM, target)
        except OSError as error:
            raise cannot_be_written(output, error, OPTION) from error
    return Patched(output, design, words, sha256(output))
