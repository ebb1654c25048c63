"""The engine that a user means: a board's, or sizes of his own."""

from __future__ import annotations

from firelane.boards import get_board
from firelane.compiler.fit.engine_sizes import sized_engine
from firelane.hw.contract.config import EngineConfig


def chosen_engine(board: str | None, **sizes: int | None) -> EngineConfig:
    """The engine of the board of that name, or the default one, with the `sizes` that are given.

    Raises
    ------
    ConfigError
        If there is no such board, or a size is out of range.
    """
    return sized_engine(get_board(board).engine if board else EngineConfig(), **sizes)
