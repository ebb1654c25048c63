"""The network that a compiled folder was made from, for the reference."""

from __future__ import annotations

from firelane.compiler.artefact.reader import HostModel
from firelane.compiler.compile import compile_graph
from firelane.compiler.frame_io.recorded_model import load_recorded
from firelane.compiler.ir.graph import Graph
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.progress import Progress, silent
from firelane.models.catalogue import model_file


def graph_of_program(model: HostModel, source: str, progress: Progress = silent) -> Graph:
    """The network that a program was compiled from.

    Raises
    ------
    ConfigError
        If `source`, a name or an ONNX file, becomes another program.
    """
    graph = load_recorded(model_file(source, progress), {})
    program = compile_graph(graph, model.engine, progress).program
    if program.contents.program_digest != model.digest:
        raise ConfigError("MODEL", f"{source} becomes another program (digest "
                                   f"{program.contents.program_digest:08x}) than {model.folder} has "
                                   f"({model.digest:08x})",
                          hint=f"give the model that {model.folder} was compiled from, or compile it again")
    return graph
