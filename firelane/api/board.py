"""A board at a serial port, real or simulated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from firelane.api.predict import Pictures, Prediction, prediction, stored_images
from firelane.boards.host.discovery import AUTO, chosen_port
from firelane.boards.host.port import SerialPort
from firelane.boards.host.remote_board import RemoteBoard
from firelane.boards.host.run import checked_model, load_into, timed_run
from firelane.boards.host.simulated_clock import CYCLES_PER_SECOND
from firelane.compiler.artefact.reader import HostModel, read_model
from firelane.compiler.frame_io.classes import class_names
from firelane.compiler.frame_io.stream import stream_bytes
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.html_tables import html_block
from firelane.compiler.support.progress import Progress, silent
from firelane.hw.contract.config import EngineConfig

if TYPE_CHECKING:
    from firelane.boards.simulated.running import RunningBoard


@runtime_checkable
class HasHostModel(Protocol):
    """What a board can be given: a `CompiledNetwork`, which needs packages that a host of boards need not have."""

    def host_model(self) -> HostModel: ...


Compiled = HasHostModel | HostModel | str | Path
STILL = 1                   #: cycle, after which the time of a simulated board of ours stops while nobody asks it


@dataclass(frozen=True)
class BoardInfo:
    """What a board says of itself.

    Parameters
    ----------
    port : str
        Where it is.
    board : str
        Its name.
    clock_hz : int
        Of the engine.
    engine : EngineConfig
    simulated : bool
        Whether it is a program, not a physical board.
    model : str, optional
        The digest of the model in it; None if there is none.
    """

    port: str
    board: str
    clock_hz: int
    engine: EngineConfig
    simulated: bool
    model: str | None

    def _repr_html_(self) -> str:
        return html_block(f"{self.board} at {self.port}", {
            "clock, MHz": self.clock_hz / 1e6, "simulated": self.simulated, "model": self.model or "none",
            **{name.replace("_", " "): value for name, value in asdict(self.engine).items()}})


class Board:
    """A board that computes images: at a serial port, or simulated, see `simulated_board`.

    Its port is taken from every other program until `close`, or until the `with` block ends:

        with firelane.Board("auto") as board:
            print(board.run("cat.jpg").classes)

    Parameters
    ----------
    port : str
        E.g. "/dev/ttyUSB0"; "auto": the only one that has a board.
    baud : int, optional
        Of the line; if not given, 3000000, or what the board that was found answers to.
    model : CompiledNetwork, str or Path, optional
        What the board holds, as `compile` returns it or the folder that it was saved to; None: found in build/ by the
        digest that the board names.
    labels : str or Path, optional
        A text file with the name of a class in each line.
    progress : callable
        Told the name of a stage, how much is done, and of how much.

    Raises
    ------
    FirelaneError
        If there is no board.
    """

    def __init__(self, port: str = AUTO, *, baud: int | None = None, model: Compiled | None = None,
                 labels: str | Path | None = None, progress: Progress = silent):
        self._labels = labels
        self._model = host_model(model) if model is not None else None
        self._after_run: Callable[[], None] = lambda: None
        self._line = SerialPort(*chosen_port(port, baud, progress=progress))
        try:
            self._board = RemoteBoard(self._line)
        except BaseException:
            self._line.close()
            raise

    @property
    def info(self) -> BoardInfo:
        """Board, clock, engine, and which model it holds now.

        Raises
        ------
        FirelaneError
            If it does not answer any more.
        """
        identity, digest = self._board.identity, self._board.state().digest
        self._after_run()
        return BoardInfo(self._line.name, identity.board, identity.clock_hz, identity.engine, self._line.simulated,
                         f"{digest:08x}" if digest else None)

    def load(self, compiled: Compiled, progress: Progress = silent) -> None:
        """Put another network into the board, which checks it; without a new bitstream.

        Parameters
        ----------
        compiled : CompiledNetwork, str or Path
            As `compile` returns it, or the folder that it was saved to; for the engine of this board.

        Raises
        ------
        FirelaneError
            If it is for another engine, or did not arrive whole: then the board has no network.
        """
        model = host_model(compiled)
        load_into(self._board, model, progress)
        self._model = model

    def run(self, images: Pictures, progress: Progress = silent) -> Prediction | tuple[Prediction, ...]:
        """What the network in the board says of images, which are taken as by `Network.predict`.

        Parameters
        ----------
        images
        progress : callable
            Told "image", how many of its bytes the board has taken, and of how many; again and again until the result
            is there.

        Returns
        -------
        Prediction or tuple of Prediction
            With the cycles that the engine computed, and milliseconds.

        Raises
        ------
        FirelaneError
            If the board holds no network or one that is not known here, an image cannot become its input, or the board
            fails.
        """
        model = self.held()
        given = stored_images(model.graph, images)
        found = tuple(self._predicted(model, name, pixels, progress)
                      for name, pixels in zip(given.names, given.pixels))
        return found[0] if given.single else found

    def held(self) -> HostModel:
        """What is known of the network in the board.

        Raises
        ------
        FirelaneError
            If there is none, or it is one that is not known here.
        """
        self._model = checked_model(self._board, self._model)
        return self._model

    def watch(self) -> None:
        """Nothing, as long as the port is there; the board is not asked.

        Raises
        ------
        FirelaneError
            If it is gone.
        """
        self._line.read()

    def cycles_now(self) -> float:
        """Cycles of the engine's clock since some moment, to tell how many pass: counted by a simulated board."""
        rate = CYCLES_PER_SECOND if self._line.simulated else self._board.identity.clock_hz
        return self._line.clock() * rate

    def close(self) -> None:
        """Give the port back."""
        self._line.close()

    def __enter__(self) -> Board:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Board {self._board.identity.board!r} at {self._line.name}>"

    def _repr_html_(self) -> str:
        return self.info._repr_html_()

    def _predicted(self, model: HostModel, name: str, pixels: np.ndarray, progress: Progress) -> Prediction:
        frame = timed_run(self._board, model, stream_bytes(pixels),
                          lambda done, total: progress("image", done, total))
        self._after_run()
        names = class_names(Path(self._labels) if self._labels else None, model.graph.metadata, model.classes)
        return prediction(model.graph, name, model.output(frame.result), labels=names, cycles=frame.cycles,
                          device_ms=frame.device_ms, transfer_ms=frame.transfer_ms)


def stand_still(board: Board, running: RunningBoard) -> None:
    """Have the time of a simulated board stop while `board`, its only host, does not ask for anything.

    Else a million cycles would be simulated after each answer, for a host that may still be waiting.
    """
    board._after_run = lambda: running.let_pass(STILL)
    board._after_run()


def host_model(compiled: Compiled) -> HostModel:
    """A compiled network as a host needs it.

    Raises
    ------
    FirelaneError
        If it is none.
    """
    match compiled:
        case HostModel():
            return compiled
        case str() | Path():
            return read_model(Path(compiled))
        case HasHostModel():
            return compiled.host_model()
    raise ConfigError("model", repr(compiled)[:60], hint="what `firelane.compile` returns, or the folder that it was "
                                                         "saved to")
