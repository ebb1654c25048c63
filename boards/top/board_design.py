"""The top level of a board with its memories filled: a model, or the key by which its block RAMs are recognised."""

from __future__ import annotations

from firelane.boards.board import Board
from firelane.boards.top.top import BoardTop
from firelane.hw.engine import Engine


def board_design(board: Board, images) -> BoardTop:
    """For `board.platform()`; `images` has the members of `compiler.artefact.container.ImageFile`."""
    engine = Engine(board.engine, program=images.program, weights=images.weights, values=images.values,
                    runs=images.runs)
    return BoardTop(board, engine)
