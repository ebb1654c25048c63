"""The boards that Firelane knows."""

from pathlib import Path

from firelane.boards import arty_a7, butterstick, ecpix5, icepi_zero, orangecrab, ulx3s
from firelane.boards.board import Board
from firelane.boards.board_file import SUFFIX, read_board_file
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.near import hint

_MODULES = (ulx3s, ecpix5, orangecrab, butterstick, icepi_zero, arty_a7)
_BOARDS = {board.name: board for module in _MODULES for board in module.BOARDS}


def all_boards() -> tuple[Board, ...]:
    return tuple(_BOARDS.values())


def get_board(name: str, option: str = "--board") -> Board:
    """The board of that name, or of the TOML file of that name; `option` is what named it, for the error.

    Raises
    ------
    ConfigError
        If there is no such board, with the names there are, or the file has something wrong.
    """
    name = str(name)
    if name.endswith(SUFFIX):
        return read_board_file(Path(name), taken=_BOARDS.__contains__)
    try:
        return _BOARDS[name]
    except KeyError:
        file = Path(f"{name}{SUFFIX}")
        raise ConfigError(option, f"unknown board {name!r}",
                          hint=f"did you mean {file}?" if file.is_file() else hint(name, _BOARDS)) from None
