"""A simulated board with a model in its memories: what `firelane board-sim` offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from firelane.boards import get_board
from firelane.boards.chosen_engine import chosen_engine
from firelane.boards.host.load import check_engine
from firelane.boards.host.simulated_clock import UNNAMED
from firelane.boards.simulated.build import Design, SimulatedBoard, build_board
from firelane.boards.simulated.running import RunningBoard
from firelane.boards.top.identity import Identity
from firelane.boards.top.link_timing import SIMULATED_TIMING
from firelane.boards.top.top import board_identity
from firelane.compiler.artefact.artefact import write_artefact
from firelane.compiler.artefact.file_names import MANIFEST, SIMULATED
from firelane.compiler.artefact.reader import HostModel, read_model
from firelane.compiler.fit.engine_fit import GROWING, compile_fitting
from firelane.compiler.fit.engine_sizes import engine_in_words
from firelane.compiler.frame_io.record_options import Options
from firelane.compiler.frame_io.recorded_model import load_recorded
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.files import build_root
from firelane.compiler.support.near import hint
from firelane.compiler.support.progress import Progress, silent
from firelane.models.catalogue import NAMES, model_file, short_name

UNNAMED_CLOCK_HZ = 75_000_000       #: what cycles are converted with where no board says better


@dataclass(frozen=True)
class ModelBoard:
    """A board that is built, and the model that it starts with."""

    built: SimulatedBoard
    model: HostModel

    def start(self) -> RunningBoard:
        """A context manager: the board runs as long as it lasts."""
        return RunningBoard(self.built, self.model.contents)

    def __str__(self) -> str:
        return (f"board: {self.built.design.identity.board}, {engine_in_words(self.model.engine)}; model: "
                f"{self.model.graph.name}, digest {self.model.digest:08x} ({self.model.folder})")


def is_compiled(model: str) -> bool:
    """Whether it is a folder of a compiled network, or should be: not if it has the name of a network and is none.

    A folder `digits` of pictures, as `models.digit_images` writes, does not hide the network of that name.
    """
    return Path(model).is_dir() and (model not in NAMES or (Path(model) / MANIFEST).exists())


def build_model_board(model: str, board: str | None = None, *, record: Options | None = None,
                      patience: int = SIMULATED_TIMING.patience_cycles,
                      notify: Callable[[str], None] = lambda text: None, progress: Progress = silent) -> ModelBoard:
    """Compile the model if need be, and build the simulator of its board if need be.

    Parameters
    ----------
    model : str
        A folder that `firelane compile` wrote; or a network, by name or as an ONNX file, which is compiled first.
    board : str, optional
        The board that is simulated; None: one without a name, with the engine of the model.
    record : mapping, optional
        How images become the input of a model that is compiled here, see `compiler.frame_io.record_options`.
    patience : int
        Cycles after which a run that stands still is abandoned.

    Raises
    ------
    FirelaneError
        If there is no such model or board, they do not belong together, or a tool is missing or fails.
    """
    found = read_model(_compiled_folder(model, board, record or {}, notify, progress))
    return board_of(found, board, patience=patience, notify=notify, progress=progress)


def board_of(model: HostModel, board: str | None = None, *, patience: int = SIMULATED_TIMING.patience_cycles,
             notify: Callable[[str], None] = lambda text: None, progress: Progress = silent) -> ModelBoard:
    """The same for a network that is compiled already."""
    design = replace(_design(model, board), timing=replace(SIMULATED_TIMING, patience_cycles=patience))
    return ModelBoard(build_board(design, notify=notify, progress=progress), model)


def _compiled_folder(model: str, board: str | None, record: Options, notify: Callable[[str], None],
                     progress: Progress) -> Path:
    """`model` if it is a folder, else the one it is compiled to: none that `firelane compile` writes to by itself."""
    if is_compiled(model):
        given = next((name for name, value in record.items() if value is not None), None)
        if given is not None:
            raise ConfigError(f"--{given}", f"{model} is compiled already", hint="give it to `firelane compile`, or to "
                                                                                 "`firelane run`")
        return Path(model)
    if model not in NAMES and not Path(model).exists():
        raise ConfigError(model, "there is no such folder, file or network",
                          hint=hint(model, NAMES, "give what `firelane compile` wrote, an ONNX file, or one of "
                                               f"{', '.join(NAMES)}"))
    compiled = compile_fitting(load_recorded(model_file(model, progress), record), chosen_engine(board),
                               () if board else GROWING, progress)
    name = short_name(model)
    folder = build_root() / SIMULATED / (f"{name}-{get_board(board).name}" if board else name)
    write_artefact(compiled, folder)
    notify(f"compiled: {folder}")
    return folder


def _design(model: HostModel, board_name: str | None) -> Design:
    """What is simulated for a compiled model: the board, or an unnamed one with the engine of the model."""
    if board_name is None:
        engine = replace(model.engine, trace=False)
        return Design(identity=Identity(board=UNNAMED, clock_hz=UNNAMED_CLOCK_HZ, engine=engine))
    board = get_board(board_name)
    check_engine(str(model.folder), model.engine, board.engine, board.engine.digest, board=board.name)
    return Design(identity=board_identity(board), result_bytes=board.result_bytes)
