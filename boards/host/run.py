"""What `firelane run` and `firelane load` do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from firelane.boards.host.load import check_engine
from firelane.boards.host.port import SerialPort
from firelane.boards.host.remote_board import RemoteBoard
from firelane.compiler.artefact.reader import HostModel, find_model, read_model
from firelane.compiler.frame_io.classes import Guess, class_names
from firelane.compiler.frame_io.record_options import Options, overridden
from firelane.compiler.support.counted import counted
from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.compiler.support.json_document import json_document
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.typed_command import typed

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".webp", ".gif", ".tif", ".tiff")    #: in folders


@dataclass(frozen=True)
class Answer:
    """One image's result.

    Parameters
    ----------
    cycles, device_ms : what the engine computed
    transfer_ms : until image and result were over the line, what the engine computed meanwhile not counted
    """

    image: str
    classes: list[Guess]
    cycles: int
    device_ms: float
    transfer_ms: float


@dataclass(frozen=True)
class Timed:
    """The bytes of a result, and what they took: as in `Answer`."""

    result: bytes
    cycles: int
    device_ms: float
    transfer_ms: float


@dataclass(frozen=True)
class BoardSession:
    """A board, and what is known of the model that it holds."""

    board: RemoteBoard
    model: HostModel
    labels: tuple[str, ...]
    note: str = ""          #: what was said of its input and contradicts what it records

    @staticmethod
    @contextmanager
    def open(port: str, baud: int, folder: Path | None, labels: Path | None,
             record: Options | None = None) -> Iterator[BoardSession]:
        """Talks to the board and finds the model; `folder` None: among those that were compiled here.

        `record` says how images become its input, in place of what it records.

        Raises
        ------
        FirelaneError
            If there is no board, or another model in it.
        """
        model = read_model(folder) if folder else None
        line = SerialPort(port, baud)
        try:
            board = RemoteBoard(line)
            model = checked_model(board, model)
            note = overridden(model.graph.metadata, model.graph.tensors[model.graph.input].shape, record or {})
            names = class_names(labels, model.graph.metadata, model.classes)
            yield BoardSession(board, model.recording(record or {}), names, note)
        finally:
            line.close()

    def answer(self, path: Path) -> Answer:
        """The answer for one image file."""
        found = timed_run(self.board, self.model, self.model.image_bytes(path))
        return Answer(str(path), self.model.guesses(found.result, self.labels), found.cycles, found.device_ms,
                      found.transfer_ms)


def timed_run(board: RemoteBoard, model: HostModel, image: bytes,
              progress: Callable[[int, int], None] = lambda done, total: None) -> Timed:
    """The result of an image, as the board takes it, and what it took; `progress` is told bytes done and in all."""
    frame = board.run(image, model.digest, progress)
    device_ms = 1000 * frame.cycles / board.identity.clock_hz
    return Timed(frame.result, frame.cycles, device_ms,
                 max(0.0, 1000 * (frame.image_seconds + frame.result_seconds) - device_ms))


def checked_model(board: RemoteBoard, model: HostModel | None) -> HostModel:
    """The model that is in the board, which must be `model` if that is given.

    Raises
    ------
    FirelaneError
        If it is another one, there is none, or nothing is known of it here.
    """
    state, port = board.state(), board.connection.port.name
    if state.loading:
        raise FirelaneError(port, "the board has no model: a load was begun and not finished", hint="firelane load DIR")
    if not state.digest:
        raise FirelaneError(port, "the board has no model", hint="firelane load DIR")
    if model is None:
        return find_model(state.digest)
    if model.digest != state.digest:
        raise FirelaneError(str(model.folder), f"is not the model in the board (digest {model.digest:08x}, there "
                                               f"{state.digest:08x})",
                            hint=typed("load", model.folder, "--port", port))
    return model


def image_files(paths: Sequence[Path]) -> list[Path]:
    """Files as they are, folders as the images in them, by name.

    Raises
    ------
    ConfigError
        If there is no such file, or no image in a folder.
    """
    found = []
    for path in paths:
        if not path.exists():
            raise ConfigError(str(path), "there is no such file", hint="give image files, or folders of them")
        inside = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
        if not inside:
            raise ConfigError(str(path), "there is no image in this folder", hint=f"looked for {' '.join(SUFFIXES)}")
        found += inside
    return found


def check_given(images: Sequence[Path] | None = None, folder: Path | None = None) -> None:
    """Refuse, before a board is looked for, images that are not there and a folder that is no compiled model.

    Raises
    ------
    FirelaneError
        If so.
    """
    image_files(images or ())
    if folder is not None:
        read_model(folder)


def classify(images: Sequence[Path], port: str, baud: int, *,  # noqa: PLR0913 (all but three have a default)
             folder: Path | None = None, labels: Path | None = None, record: Options | None = None,
             as_json: bool = False, say: Callable[[str], None], progress: Progress = silent) -> None:
    """Have the board at `port` classify images, files or folders of them; says each answer when it is there.

    Parameters
    ----------
    folder : Path, optional
        What `firelane compile` wrote; None: found by the digest that the board names.
    labels : Path, optional
        The file with the names of the classes.
    record : mapping, optional
        How images become the model's input, in place of what it records: see `compiler.frame_io.record_options`.

    Raises
    ------
    FirelaneError
        If there is no board, another model in it, or an image cannot be read.
    """
    files = image_files(images)
    with BoardSession.open(port, baud, folder, labels, record) as session:
        if session.note and not as_json:
            say(f"note: {session.note}")
        run_images(session, files, as_json=as_json, say=say, progress=progress)


def run_images(session: BoardSession, files: Sequence[Path], *, as_json: bool, say: Callable[[str], None],
               progress: Progress) -> None:
    """Says each answer when it is there; an image that cannot be read is passed over, and complained of at the end.

    Raises
    ------
    FirelaneError
        If an image could not be read, or the board fails.
    """
    unreadable, answers, started = [], [], time.perf_counter()
    for number, path in enumerate(files):
        progress("images", number, len(files))
        try:
            answer = session.answer(path)
        except FirelaneError as error:
            if error.where != str(path) or len(files) == 1:
                raise
            unreadable.append(error)
            continue
        answers.append(answer)
        say(json_document("run", asdict(answer), indent=None) if as_json else
            _block(answer) if len(files) == 1 else _line(answer))
    progress("images", len(files), len(files))
    if len(files) > 1 and answers and not as_json:
        say(_summary(answers, time.perf_counter() - started))
    if unreadable:
        more = f" (and {len(unreadable) - 1} more)" if len(unreadable) > 1 else ""
        raise FirelaneError(unreadable[0].where, f"{unreadable[0].found}{more}", hint=unreadable[0].hint)


def load_model(folder: Path, port: str, baud: int, progress: Progress) -> str:
    """Put a compiled model into a board; what was done, in words.

    Raises
    ------
    FirelaneError
        If it is no compiled model, is for another engine, or did not arrive whole.
    """
    model = read_model(folder)
    line = SerialPort(port, baud)
    try:
        seconds = load_into(RemoteBoard(line), model, progress)
    finally:
        line.close()
    return f"loaded: {model.graph.name}, digest {model.digest:08x}, checked by the board, in {seconds:.1f} s"


def load_into(board: RemoteBoard, model: HostModel, progress: Progress = silent) -> float:
    """Put a compiled model into a board; the seconds that it took.

    Raises
    ------
    FirelaneError
        If it is for another engine, or did not arrive whole.
    """
    check_engine(str(model.folder), model.engine, board.identity.engine, board.engine_digest,
                 board=board.identity.board)
    started = time.perf_counter()
    board.load(model.contents, lambda done, total: progress(f"loading {model.folder} (words)", done, total))
    seconds, held = time.perf_counter() - started, board.state().digest
    if held != model.digest:
        raise FirelaneError(board.connection.port.name, f"the board took the model and then named another (digest "
                                                        f"{held:08x})", hint="load it again")
    return seconds


def _guess(guess: Guess) -> str:
    return f"{guess.index} {guess.name}".strip() + f" {guess.share:.4g}"


def _times(answer: Answer) -> str:
    return f"{answer.cycles:,} cycles, {answer.device_ms:.2f} ms; transfer {answer.transfer_ms:.0f} ms"


def _block(answer: Answer) -> str:
    """A line for each class."""
    lines = [f"  {guess.share:10.4g}  {guess.index:4} {guess.name}".rstrip() for guess in answer.classes]
    return "\n".join([answer.image, *lines, f"  board: {_times(answer)}"])


def _line(answer: Answer) -> str:
    """All in one line."""
    return f"{answer.image}: {', '.join(_guess(guess) for guess in answer.classes)} ({_times(answer)})"


def _summary(answers: Sequence[Answer], seconds: float) -> str:
    cycles = sum(answer.cycles for answer in answers) / len(answers)
    return (f"{counted(len(answers), 'image')} in {seconds:.1f} s, {len(answers) / seconds:.1f} a second; on average "
            f"{cycles:,.0f} cycles, transfer {sum(answer.transfer_ms for answer in answers) / len(answers):.0f} ms")
