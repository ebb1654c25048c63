"""What `firelane run` and `firelane load` do."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from firelane.boards.host.half_size import doubled, half_size_layout, halved
from firelane.boards.host.load import check_engine
from firelane.boards.host.port import SerialPort
from firelane.boards.host.remote_board import RemoteBoard
from firelane.boards.host.remote_frame import RemoteFrame
from firelane.compiler.artefact.reader import HostModel, find_model, read_model
from firelane.compiler.frame_io.classes import Guess, class_names
from firelane.compiler.frame_io.preprocessing import read_image
from firelane.compiler.frame_io.record_options import Options, overridden
from firelane.compiler.frame_io.stream import stream_bytes
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
    end_to_end_ms : from the image's first byte until its result was here; the image before may be computed meanwhile
    """

    image: str
    classes: list[Guess]
    cycles: int
    device_ms: float
    transfer_ms: float
    end_to_end_ms: float


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
    layout: int = 0         #: a `LAYOUT`: how images go over the line

    @staticmethod
    @contextmanager
    def open(port: str, baud: int, folder: Path | None, labels: Path | None,
             record: Options | None = None, *, half_size: bool = False) -> Iterator[BoardSession]:
        """Talks to the board and finds the model; `folder` None: among those that were compiled here.

        `record` says how images become its input, in place of what it records; `half_size`: the board doubles them.

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
            shape = model.graph.tensors[model.graph.input].shape
            note = overridden(model.graph.metadata, shape, record or {})
            names = class_names(labels, model.graph.metadata, model.classes)
            layout = half_size_layout(board.identity, shape) if half_size else 0
            yield BoardSession(board, model.recording(record or {}), names, note, layout)
        finally:
            line.close()

    def answers(self, files: Iterable[Path], unreadable: list[FirelaneError] | None = None) -> Iterator[Answer]:
        """The answer for each image file, as soon as it is there; files are read while others are computed.

        A file that cannot be read is passed over, and what is wrong with it goes to `unreadable`, if there is that.
        """
        names: deque[Path] = deque()

        def images() -> Iterator[np.ndarray]:
            for path in files:
                try:
                    pixels = read_image(self.model.graph, path)
                except FirelaneError as error:
                    if unreadable is None or error.where != str(path):
                        raise
                    unreadable.append(error)
                    continue
                names.append(path)
                yield pixels

        for frame in self.frames(images()):
            timed = timed_frame(self.board, frame)
            yield Answer(str(names.popleft()), self.model.guesses(timed.result, self.labels), timed.cycles,
                         timed.device_ms, timed.transfer_ms, 1000 * frame.seconds)

    def frames(self, images: Iterable[np.ndarray]) -> Iterator[RemoteFrame]:
        """What the board makes of images, uint8 (C, H, W); at half size if that is wanted."""
        sent = (stream_bytes(halved(image) if self.layout else image) for image in images)
        return self.board.run_all(sent, self.model.digest, self.layout)

    def seen(self, image: np.ndarray) -> np.ndarray:
        """The image that the network sees."""
        return doubled(halved(image)) if self.layout else image


def timed_run(board: RemoteBoard, model: HostModel, image: bytes,
              progress: Callable[[int, int], None] = lambda done, total: None) -> Timed:
    """The result of an image, as the board takes it, and what it took; `progress` is told bytes done and in all."""
    return timed_frame(board, board.run(image, model.digest, progress))


def timed_frame(board: RemoteBoard, frame: RemoteFrame) -> Timed:
    """A frame, and what it took."""
    device_ms = 1000 * frame.cycles / board.identity.clock_hz
    return Timed(frame.result, frame.cycles, device_ms, max(0.0, 1000 * frame.seconds - device_ms))


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
             half_size: bool = False, as_json: bool = False, say: Callable[[str], None],
             progress: Progress = silent) -> None:
    """Have the board at `port` classify images, files or folders of them; says each answer when it is there.

    Parameters
    ----------
    folder : Path, optional
        What `firelane compile` wrote; None: found by the digest that the board names.
    labels : Path, optional
        The file with the names of the classes.
    record : mapping, optional
        How images become the model's input, in place of what it records: see `compiler.frame_io.record_options`.
    half_size : bool
        Images go over the line at half size, and the board doubles them: see `boards.host.half_size`.

    Raises
    ------
    FirelaneError
        If there is no board, another model in it, or an image cannot be read.
    """
    files = image_files(images)
    with BoardSession.open(port, baud, folder, labels, record, half_size=half_size) as session:
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
    unreadable: list[FirelaneError] = []
    answers: list[Answer] = []
    started = time.perf_counter()
    progress("images", 0, len(files))
    for answer in session.answers(files, unreadable if len(files) > 1 else None):
        answers.append(answer)
        progress("images", len(answers) + len(unreadable), len(files))
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
    return (f"{answer.cycles:,} cycles, {answer.device_ms:.2f} ms; transfer {answer.transfer_ms:.0f} ms, end to end "
            f"{answer.end_to_end_ms:.0f} ms")


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
