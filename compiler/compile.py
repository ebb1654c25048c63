"""The pipeline: a graph becomes layers, a schedule and a program, which is checked."""

from __future__ import annotations

from pathlib import Path

from firelane.compiler.frame_io.record_options import Options
from firelane.compiler.frame_io.recorded_model import load_recorded
from firelane.compiler.frame_io.result import result_format
from firelane.compiler.ir.graph import Graph
from firelane.compiler.lower import lower
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.program.emit import emit
from firelane.compiler.program.schedule_check import check_schedule
from firelane.compiler.schedule.remedies import with_remedies
from firelane.compiler.schedule.search import ActivationCapacityError, Schedule, schedule
from firelane.compiler.support.progress import Progress, silent
from firelane.hw.contract.config import EngineConfig


def compile_graph(graph: Graph, cfg: EngineConfig, progress: Progress = silent) -> Compiled:
    """Compile `graph` for the engine `cfg`; the emitted program is checked before it is returned.

    Raises
    ------
    ModelError, CapacityError
        If the engine cannot do it, or is too small.
    """
    try:
        plan = make_plan(graph, cfg, progress)
    except ActivationCapacityError as problem:
        raise with_remedies(graph, cfg, problem) from None
    return compile_plan(graph, plan, cfg, progress)


def make_plan(graph: Graph, cfg: EngineConfig, progress: Progress = silent) -> Schedule:
    """The first half of `compile_graph`: all but the words; of the memories only the activation memory matters."""
    progress("compiling: lowering to tiles", 0, None)
    network = lower(graph, cfg)
    progress(f"compiling: scheduling for {cfg.activation_words:,} words", 0, None)
    return schedule(network, cfg)


def compile_plan(graph: Graph, plan: Schedule, cfg: EngineConfig, progress: Progress = silent) -> Compiled:
    """The second half: `plan` was made for an engine that differs from `cfg` at most in the other memories."""
    progress("compiling: coding weights and program", 0, None)
    program = emit(plan.network, plan, cfg)
    progress("compiling: checking the schedule", 0, None)
    check_schedule(program)
    return Compiled(graph, program, plan, result_format(plan.network, graph.tensors[graph.output].shape, cfg))


def compile_model(path: str | Path, cfg: EngineConfig, progress: Progress = silent, *,
                  record: Options | None = None) -> Compiled:
    """Compile an ONNX file; what `record` says of its input is recorded."""
    return compile_graph(load_recorded(path, record or {}), cfg, progress)
