"""Which boards hold the published SqueezeNets: estimated, and kept by the digest of all that decides it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from firelane.boards.board import Board
from firelane.boards.report.board_fit import Fit, fit_of, shortage
from firelane.boards.report.end_to_end import FrameWork, work_from_dict, work_of
from firelane.boards.report.lacking import lacking_words
from firelane.compiler.fit.estimate import estimate
from firelane.compiler.fit.workload import workload
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.support.files import build_root, digest, locked, write_file
from firelane.compiler.support.problems import first_of
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.sources import source_digest
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import find

MADE_BY = ("firelane.compiler", "firelane.hw.contract")        #: packages that make an estimate


@dataclass(frozen=True)
class _Figures:
    """A network on an engine: what a frame is and what is used of its memories, or else what is in the way."""

    work: FrameWork | None
    used: dict[str, int]
    problem: str = ""


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
    figures = _figures(path, board.engine)
    reason = lacking_words(board.engine, shortage(board), figures.used, figures.problem)
    if reason or figures.work is None:
        return Fit(board.name, name, reason)
    return fit_of(board, name, figures.work)


def _figures(path: Path, engine: EngineConfig) -> _Figures:
    """The figures as they were kept, or as they are now."""
    key = digest([path.name, repr(engine), source_digest(*MADE_BY), version("numpy")])
    kept = build_root() / "estimates" / f"{path.stem}-{key}.json"
    with locked(kept):
        if kept.exists():
            record = json.loads(kept.read_text())
            return _Figures(record["work"] and work_from_dict(record["work"]), record["used"], record["problem"])
        graph = load_graph(path)
        found = estimate(graph, engine)
        figures = _Figures(work_of(graph, found.report) if found.report else None,
                           found.used or {"weight_words": workload(graph, engine).weight_words},
                           first_of(found.problems))
        write_file(kept, json.dumps(asdict(figures)).encode(), "FIRELANE_BUILD")
        return figures
