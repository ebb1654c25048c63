"""An estimate: the boards side by side, and what to do where a network does not fit."""

from __future__ import annotations

from collections.abc import Sequence

from firelane.boards.report.board_estimate import BoardEstimate
from firelane.compiler.onnx_import.in_pytorch import change
from firelane.compiler.support.errors import FirelaneError
from firelane.report.figures import boards as figures
from firelane.report.page.document import Plot, Section, Table


def boards(found: Sequence[BoardEstimate]) -> Section:
    """Frames a second on each board, and what is short where it does not fit."""
    shown = [board for board in found if board.frames_per_second]
    held = sum(board.fits for board in found)
    text = f"{held} of {len(found)} {'board holds' if held == 1 else 'boards hold'} the network as it is."
    parts: list[Plot | Table] = []
    if shown:
        parts.append(Plot("boards-speed", "Frames a second on each board", "Filled bars are boards that hold the "
                          "network; hollow ones are what the speed would be if there were room for it.",
                          figures.speeds(shown)))
    if lacking := [board for board in shown if board.estimate.memories]:
        parts.append(Plot("boards-memories", "Fullest memory of each board's engine", "A bar beyond the dashed line is "
                          "a memory that is too small; how far beyond says how much must be won.",
                          figures.fullest(lacking)))
    rows = tuple((board.board, one.what, one.found, "; ".join(one.ways)) for board in found for one in board.shortages)
    if rows:
        parts.append(Table("What is short, and what to do", ("board", "what", "needed", "ways out"), rows, words=True))
    return Section("boards", "Boards", text, tuple(parts))


def problems(found: Sequence[FirelaneError]) -> Section:
    """What the engine cannot do, with what to change."""
    rows = tuple((one.where, one.found, one.hint or "", change(one) or "") for one in found)
    return Section("problems", "What must be changed first", "The engine cannot do these, whatever its size.",
                   (Table("Nodes", ("where", "found", "what to do", "in PyTorch"), rows, words=True),))
