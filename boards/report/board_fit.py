"""Which model fits which board, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from firelane.boards.board import Board
from firelane.compiler.compile import compile_graph
from firelane.compiler.fit.report import make_report
from firelane.compiler.fit.resources import engine_resources
from firelane.compiler.ir.graph import Graph
from firelane.compiler.support.errors import CapacityError, FirelaneError
from firelane.compiler.support.html_tables import HtmlTable, html_block
from firelane.compiler.support.problems import further
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
    frames_per_second : float, optional
        At the board's clock.
    problems : tuple of FirelaneError
        Everything that is in the way, each with the node, what was found there, and what to do.
    """

    board: str
    model: str
    reason: str = ""
    frame_cycles: int | None = None
    frames_per_second: float | None = None
    problems: tuple[FirelaneError, ...] = ()

    @property
    def fits(self) -> bool:
        return not self.reason

    def _repr_html_(self) -> str:
        return html_block(f"{self.model} on {self.board}",
                          {"fits": self.fits, "because": self.reason, "cycles a frame": self.frame_cycles,
                           "frames/s": self.frames_per_second},
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
    cycles: dict[tuple[str, EngineConfig], int | FirelaneError] = {}
    found = []
    for number, board in enumerate(boards):
        lacking = _lacking(board)
        for name, graph in models:
            progress("compiling for each board", number, len(boards))
            key = (name, board.engine)
            if lacking:
                found.append(Fit(board.name, name, lacking.found, problems=(lacking,)))
                continue
            if key not in cycles:
                cycles[key] = _cycles(graph, board.engine)
            found.append(_fit(board, name, cycles[key]))
    return found


def _lacking(board: Board) -> CapacityError | None:
    try:
        check_device(board)
    except CapacityError as problem:
        return problem
    return None


def _fit(board: Board, model: str, cycles: int | FirelaneError) -> Fit:
    if isinstance(cycles, FirelaneError):
        more = len(further(cycles))
        return Fit(board.name, model, f"{cycles.where}: {cycles.found}" + (f", and {more} more" if more else ""),
                   problems=(cycles, *further(cycles)))
    return Fit(board.name, model, frame_cycles=cycles, frames_per_second=round(board.clock_hz / cycles, 2))


def _cycles(graph: Graph, cfg: EngineConfig) -> int | FirelaneError:
    """The cycles of a frame, or why there are none."""
    try:
        return make_report(compile_graph(graph, cfg)).cost.total
    except FirelaneError as problem:
        return problem
