"""Whether a network fits a board, and why not."""

from __future__ import annotations

from firelane.api.network import Network, load
from firelane.boards import all_boards, get_board
from firelane.boards.report import board_fit
from firelane.boards.report.board_fit import Fit
from firelane.compiler.onnx_import.reader import Source
from firelane.compiler.support.progress import Progress, silent


def fit(network: Network | Source, *boards: str, progress: Progress = silent) -> tuple[Fit, ...]:
    """Compile a quantized network for boards; what stands in the way is returned, not raised.

    Parameters
    ----------
    network : Network, str, Path or onnx.ModelProto
        As `load` takes it.
    *boards : str
        E.g. "ulx3s_25f"; all that there are if none is named.
    progress : callable
        Told the name of a stage, boards done, and boards in all.

    Returns
    -------
    tuple of Fit
        For each board: whether it fits, cycles and frames per second; else the reason in a line, and all `problems`.

    Raises
    ------
    FirelaneError
        If there is no such network or board, or the network is one that no engine does.
    """
    chosen = [get_board(name) for name in boards] or all_boards()
    given = load(network, progress=progress)
    return tuple(board_fit.fits(chosen, [(given.name, given.graph)], progress))
