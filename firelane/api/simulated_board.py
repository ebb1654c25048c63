"""A board without a board, from Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from firelane.api.board import Board, stand_still
from firelane.api.compile import CompiledNetwork
from firelane.api.network import Network, load
from firelane.boards.chosen_engine import chosen_engine
from firelane.boards.simulated.model_board import ModelBoard, board_of, build_model_board
from firelane.compiler.artefact.in_memory import in_memory
from firelane.compiler.fit.engine_fit import GROWING, compile_fitting
from firelane.compiler.onnx_import.reader import Source
from firelane.compiler.support.progress import Progress, silent


@contextmanager
def simulated_board(network: CompiledNetwork | Network | Source = "digits", board: str | None = None, *,
                    labels: str | Path | None = None, say: Callable[[str], None] = lambda text: None,
                    progress: Progress = silent) -> Iterator[Board]:
    """A board without a board: its top level under Verilator, with a network in its memories; a context manager.

    The simulator of an engine is built once, which takes minutes, and kept in build/board-sim.

    Parameters
    ----------
    network : CompiledNetwork, Network, str, Path or onnx.ModelProto
        What it holds: a compiled network, the folder of one, or a quantized network, which is compiled for it.
    board : str, optional
        Which board it pretends to be, e.g. "ulx3s_25f"; None: one without a name, with an engine as the network needs.
    labels : str or Path, optional
        A text file with the name of a class in each line.
    say : callable
        Told in words what takes long.
    progress : callable
        Told the name of a stage, how much is done, and of how much.

    Raises
    ------
    FirelaneError
        If network, board or tools cannot be used.
    """
    built = _model_board(network, board, say, progress)
    with built.start() as running, Board(running.port, model=built.model, labels=labels) as connected:
        stand_still(connected, running)
        yield connected


def _model_board(network: CompiledNetwork | Network | Source, board: str | None, say: Callable[[str], None],
                 progress: Progress) -> ModelBoard:
    """The board, built, and its model; of a network that is not in a file, nothing is written."""
    if isinstance(network, str | Path):
        return build_model_board(str(network), board, notify=say, progress=progress)
    if isinstance(network, CompiledNetwork):
        return board_of(network.host_model(), board, notify=say, progress=progress)
    given = load(network, progress=progress)
    compiled = compile_fitting(given.graph, chosen_engine(board), () if board else GROWING, progress)
    return board_of(in_memory(compiled, given.name), board, notify=say, progress=progress)
