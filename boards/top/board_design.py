"""The top level of a board with its memories filled: a model, or the key by which its block RAMs are recognised."""

from __future__ import annotations

from firelane.boards.board import Board
from firelane.boards.top.camera_engine import CameraPlan
from firelane.boards.top.camera_top import CameraTop
from firelane.boards.top.top import BoardTop
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.hw.engine import Engine


def board_design(board: Board, contents: MemoryContents) -> BoardTop:
    """The top level for `board.platform()`, with `contents` in the engine's memories."""
    return BoardTop(board, Engine(board.engine, contents))


def camera_design(board: Board, contents: MemoryContents, plan: CameraPlan) -> CameraTop:
    """The same of a board that a camera feeds."""
    return CameraTop(board, Engine(board.engine, contents), plan)
