"""The pipeline: graph -> layers -> schedule -> program -> check."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from compiler.ir import Graph
from compiler.lower import lower
from compiler.program import Program, emit
from compiler.remedies import with_remedies
from compiler.result import ResultFormat, result_format
from compiler.schedule import ActivationCapacityError, Schedule, schedule
from compiler.schedule_check import check_schedule
from hw.config import EngineConfig


@dataclass(frozen=True, eq=False)
class Compiled:
    """A network compiled for one engine, with what it was made from."""

    graph: Graph
    program: Program
    plan: Schedule
    result: ResultFormat

    @property
    def cfg(self) -> EngineConfig:
        return self.program.cfg


def compile_graph(graph: Graph, cfg: EngineConfig) -> Compiled:
    """Compile `graph` for the engine `cfg`; the emitted program is checked before it is returned.

    Raises
    ------
    ModelError, CapacityError
        If the engine cannot do it, or is too small.
    """
    network = lower(graph, cfg)
    try:
        plan = schedule(network, cfg)
    except ActivationCapacityError as problem:
        raise with_remedies(graph, cfg, problem) from None
    program = emit(plan.network, plan, cfg)
    check_schedule(program)
    return Compiled(graph, program, plan, result_format(plan.network, graph.tensors[graph.output].shape, cfg))


def compile_model(path: str | Path, cfg: EngineConfig) -> Compiled:
    """Compile an ONNX file."""
    from compiler.onnx_import import load_graph         # onnx takes a second to import
    return compile_graph(load_graph(path), cfg)
