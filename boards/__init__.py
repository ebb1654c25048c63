"""The boards that Firelane knows."""

from firelane.boards import arty_a7, butterstick, ecpix5, icepi_zero, orangecrab, ulx3s
from firelane.boards.board import Board
from firelane.compiler.support.errors import ConfigError

_MODULES = (ulx3s, ecpix5, orangecrab, butterstick, icepi_zero, arty_a7)
_BOARDS = {board.name: board for module in _MODULES for board in module.BOARDS}


def all_boards() -> tuple[Board, ...]:
    return tuple(_BOARDS.values())


def get_board(name: str) -> Board:
    """Raises ConfigError, with the names there are, for one that is not."""
    try:
        return _BOARDS[name]
    except KeyError:
        raise ConfigError("--board", f"unknown board {name!r}", hint=f"one of {', '.join(_BOARDS)}") from None
