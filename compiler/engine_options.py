"""Options of several commands that say which engine is meant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import click

from boards.board import Board
from compiler.errors import ConfigError
from hw.config import EngineConfig


SIZES = {           # that can be chosen on the command line
    "banks": "Banks of activation memory: 1, 2, 4, 8 or 16; 14 multipliers each.",
    "activation_words": "Words of each bank.",
    "weight_words": "36-bit words of the weight memory.",
    "program_words": "36-bit words of the program memory.",
    "accumulator_bits": "Bits of an accumulator.",
}


def size_option(name: str) -> str:
    """The option of a size."""
    return "--" + name.replace("_", "-")


def size_options(command: Callable) -> Callable:
    """Sizes that differ from the board's engine, or from the default one."""
    for name, text in reversed(SIZES.items()):
        command = click.option(size_option(name), type=int, help=text)(command)
    return command


def engine_options(command: Callable) -> Callable:
    """Options that say which engine: a board's, or sizes of its own. `engine_config` reads them."""
    board = click.option("--board", metavar="NAME", help="A board, e.g. ulx3s_85f: its engine and its clock.")
    return board(size_options(command))


def engine_config(board: Board | None, **sizes: int | None) -> EngineConfig:
    """The board's engine, or the default one, with the sizes that are given.

    Raises
    ------
    ConfigError
        If a size is out of range.
    """
    given = {name: size for name, size in sizes.items() if size is not None}
    try:
        return replace(board.engine if board else EngineConfig(), **given)
    except ValueError as error:
        name = str(error).split(" ", 1)[0]
        raise ConfigError(size_option(name), str(error)) from None
