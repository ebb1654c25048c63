"""Where features and checkpoints are kept, and the code that they follow from."""

from __future__ import annotations

from pathlib import Path

from firelane.compiler.support.files import build_root
from firelane.compiler.support.sources import source_digest

MADE_BY = tuple(f"firelane.compiler.{name}" for name in (
    "compress", "frame_io", "ir", "onnx_import", "passes", "quantize", "support", "train"))


def folder() -> Path:
    """The folder, `build/train`."""
    return build_root() / "train"


def code_digest() -> str:
    """The digest of the code."""
    return source_digest(*MADE_BY)
