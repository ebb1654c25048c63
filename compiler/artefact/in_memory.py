"""A network that was just compiled, as a host needs it, without a folder."""

from __future__ import annotations

from pathlib import Path

from firelane.compiler.artefact.reader import HostModel
from firelane.compiler.program.compiled import Compiled


def in_memory(compiled: Compiled, name: str) -> HostModel:
    """What `read_model` would find if it were written; messages call it `name`."""
    return HostModel(Path(name), compiled.program.contents, compiled.cfg, compiled.graph, compiled.result)
