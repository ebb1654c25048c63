"""Which model fits which board, and why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from firelane.boards.board import Board
from firelane.boards.report.end_to_end import EndToEnd, FrameWork, end_to_end, link_of, work_of
from firelane.boards.report.lacking import lacking_words
from firelane.compiler.compile import compile_graph
from firelane.compiler.fit.estimate import estimate
from firelane.compiler.fit.report import make_report
from firelane.compiler.fit.resources import engine_resources
from firelane.compiler.fit.workload import workload
from firelane.compiler.ir.graph import Graph
from firelane.compiler.support.errors import CapacityError, FirelaneError
from firelane.compiler.support.html_tables import HtmlTable, html_block
from firelane.compiler.support.problems import first_of, further
from firelane.compiler.support.progress import Progress, silent
from firelane.hw.contract.config import EngineConfig


@dataclass(frozen=True)
class Fit:
    """One model on one board: cycles and frames a second at the board's clock, or the reason why it does not fit.

    Parameters
    ----------
    board, model : str
        Their names.
    reason : str
        Why it does not fit, in short; empty if it does.
    frame_cycles : int, optional
        Of one frame.
    clock_hz : float, optional
        The board's.
    problems : tuple of FirelaneError
        Everything that is in the way, each with the node, what was found there, and what to do.
    end_to_end : EndToEnd, optional
        The time of a frame with the board's line.
    """

    board: str
    model: str
    reason: str = ""
    frame_cycles: int | None = None
    clock_hz: float | None = None
    problems: tuple[FirelaneError, ...] = ()
    end_to_end: EndToEnd | None = None

    @property
    def fits(self) -> bool:
        return not self.reason

    @property
    def frames_per_second(self) -> float | None:
        """At the board's clock; None if it does not fit."""
        return self.clock_hz / self.frame_cycles if self.clock_hz and self.frame_cycles else None

    def _repr_html_(self) -> str:
        return html_block(f"{self.model} on {self.board}",
                          {"fits": self.fits, "because": self.reason, "cycles a frame": self.frame_cycles,
                           "frames/s of the engine": self.frames_per_second,
                           "frames/s end to end": self.end_to_end and round(self.end_to_end.frames_per_second, 2)},
                          [HtmlTable(("where", "what", "what to do"),
                                     [(one.where, one.found, one.hint) for one in self.problems])])


def shortage(board: Board) -> str:
    """What the board's engine needs more than its device has, by the estimate; empty if it fits."""
    return shortage_of(board.engine, board)


def shortage_of(engine: EngineConfig, board: Board) -> str:
    """The same of another engine on that board."""
    needs, device = engine_resources(engine, board.result_bytes), board.device
    pairs = (("LUT", needs.lut, device.lut), ("EBR", needs.ebr_total, device.ebr), ("DSP", needs.dsp, device.dsp))
    return ", ".join(f"{need:,} {name} of {have:,}" for name, need, have in pairs if need > have)


def check_device(board: Board) -> None:
    """Nothing, if the board's device holds its engine, by the estimate.

    Raises
    ------
    CapacityError
        If it does not.
    """
    lacking = shortage(board)
    if lacking:
        raise CapacityError(board.name, f"the engine needs {lacking}", hint="a smaller engine, or a larger board")


def fits(boards: Sequence[Board], models: Sequence[tuple[str, Graph]], progress: Progress = silent) -> list[Fit]:
    """Every model on every board, board by board. Boards with equal engines are compiled for once."""
    known: dict[tuple[str, EngineConfig], _Tried] = {}
    found = []
    for number, board in enumerate(boards):
        for name, graph in models:
            progress("compiling for each board", number, len(boards))
            key = (name, board.engine)
            known[key] = known.get(key) or _tried(graph, board.engine)
            found.append(_fit(board, name, known[key]))
    return found


@dataclass(frozen=True, eq=False)
class _Tried:
    """A network compiled for an engine: what a frame is, or the problem, what all of it would take, and why not."""

    work: FrameWork | None = None
    problem: FirelaneError | None = None
    used: Mapping[str, int] = field(default_factory=dict)
    nodes: str = ""


def _fit(board: Board, model: str, tried: _Tried) -> Fit:
    device = _lacking(board)
    problems = (*([device] if device else ()), *((tried.problem, *further(tried.problem)) if tried.problem else ()))
    if tried.work and not problems:
        return fit_of(board, model, tried.work)
    reason = lacking_words(board.engine, shortage(board), tried.used, tried.nodes)
    return Fit(board.name, model, reason or first_of(problems), problems=problems)


def fit_of(board: Board, model: str, work: FrameWork) -> Fit:
    """The fit of a model that a board holds."""
    return Fit(board.name, model, frame_cycles=work.cycles, clock_hz=board.clock_hz,
               end_to_end=end_to_end(link_of(board), work))


def _lacking(board: Board) -> CapacityError | None:
    try:
        check_device(board)
    except CapacityError as problem:
        return problem
    return None


def _tried(graph: Graph, cfg: EngineConfig) -> _Tried:
    """The network compiled, or else estimated."""
    work = _work(graph, cfg)
    if not isinstance(work, FirelaneError):
        return _Tried(work)
    found = estimate(graph, cfg)
    used = found.used or {"weight_words": workload(graph, cfg).weight_words}
    return _Tried(problem=work, used=used, nodes=first_of(found.problems))


def _work(graph: Graph, cfg: EngineConfig) -> FrameWork | FirelaneError:
    """What a frame is, or why there is none."""
    try:
        return work_of(graph, make_report(compile_graph(graph, cfg)))
    except FirelaneError as problem:
        return problem
