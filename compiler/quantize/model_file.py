"""ONNX files that are written here."""

from __future__ import annotations

from pathlib import Path

import onnx

from firelane.compiler.support.files import write_file


def write_model(model: onnx.ModelProto, path: str | Path, option: str = "-o") -> None:
    """Write the whole file or nothing; `option` is what named it.

    Raises
    ------
    FirelaneError
        If it cannot be written.
    """
    write_file(path, model.SerializeToString(deterministic=True), option)
