"""Which boards hold the published SqueezeNets: estimated, and kept by the digest of all that decides it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from firelane.boards.board import Board
from firelane.boards.report.board_fit import Fit, shortage
from firelane.compiler.fit.estimate import estimate
from firelane.compiler.fit.report import MEMORIES, Usage, memory_usage
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.support.files import build_root, digest, locked, write_file
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.sources import source_digest
from firelane.compiler.tiles.larger_engine import weight_bytes
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import find

MADE_BY = ("firelane.compiler", "firelane.hw.contract")        #: packages that make an estimate


@dataclass(frozen=True)
class _Figures:
    """A network on an engine: cycles of a frame and what is used of its memories, or else what is in the way."""

    cycles: int | None
    used: dict[str, int]
    problem: str = ""

    def lacking(self, engine: EngineConfig) -> str:
        """What the engine does not have enough of."""
        if self.problem or not self.used:
            return self.problem
        return "; ".join(_words(usage) for usage in memory_usage(engine, self.used) if not usage.fits)


def _words(usage: Usage) -> str:
    if usage.name == MEMORIES["weight_words"]:
        used, available = weight_bytes(usage.used), weight_bytes(usage.available or 0)
        return f"weights {used:,} bytes of {available:,}: firelane compress"
    return f"{usage.name} {usage.used:,} of {usage.available:,}"


def published_fits(boards: Sequence[Board], names: Sequence[str], progress: Progress = silent) -> list[Fit]:
    """The published networks at 224 x 224 on every board: random weights of the densities that were published."""
    found = []
    for name in names:
        path = find(name, progress=progress).path
        for number, board in enumerate(boards):
            progress(f"estimating {name} for each board", number, len(boards))
            found.append(_fit(board, name, path))
    return found


def _fit(board: Board, name: str, path: Path) -> Fit:
    lacking = shortage(board)
    if lacking:
        return Fit(board.name, name, f"the engine needs {lacking}")
    figures = _figures(path, board.engine)
    reason = figures.lacking(board.engine)
    if reason or figures.cycles is None:
        return Fit(board.name, name, reason)
    return Fit(board.name, name, frame_cycles=figures.cycles,
               frames_per_second=round(board.clock_hz / figures.cycles, 2))


def _figures(path: Path, engine: EngineConfig) -> _Figures:
    """The figures as they were kept, or as they are now."""
    key = digest([path.name, repr(engine), source_digest(*MADE_BY), version("numpy")])
    kept = build_root() / "estimates" / f"{path.stem}-{key}.json"
    with locked(kept):
        if kept.exists():
            return _Figures(**json.loads(kept.read_text()))
        found = estimate(load_graph(path), engine)
        problem = f"{found.problems[0].where}: {found.problems[0].found}" if found.problems else ""
        figures = _Figures(found.report.cost.total if found.report else None, found.used, problem)
        write_file(kept, json.dumps(vars(figures)).encode(), "FIRELANE_BUILD")
        return figures
