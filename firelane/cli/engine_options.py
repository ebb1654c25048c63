"""Options of several commands that say which engine is meant."""

from __future__ import annotations

from collections.abc import Callable

import click

from firelane.boards import get_board
from firelane.compiler.fit.engine_sizes import SIZES, size_option, sized_engine
from firelane.hw.contract.config import EngineConfig


def size_options(command: Callable) -> Callable:
    """Sizes that differ from the board's engine, or from the default one."""
    for name, text in reversed(SIZES.items()):
        command = click.option(size_option(name), type=int, help=text)(command)
    return command


def engine_options(command: Callable) -> Callable:
    """Options that say which engine: a board's, or sizes of its own. `engine_config` reads them."""
    board = click.option("--board", metavar="NAME", help="A board, e.g. ulx3s_85f: its engine and its clock.")
    return board(size_options(command))


def engine_config(board: str | None, **sizes: int | None) -> EngineConfig:
    """The engine of the board of that name, or the default one, with the sizes that are given.

    Raises
    ------
    ConfigError
        If there is no such board, or a size is out of range.
    """
    return sized_engine(get_board(board).engine if board else EngineConfig(), **sizes)
