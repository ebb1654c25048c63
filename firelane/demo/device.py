"""The board behind the page: one thread asks it, picture after picture, and looks for it again when it is lost."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace

import numpy as np

from firelane.api.board import Board, BoardInfo
from firelane.api.predict import Prediction
from firelane.boards.simulated.running import RunningBoard
from firelane.compiler.artefact.reader import HostModel
from firelane.compiler.support.errors import FirelaneError
from firelane.demo.timeline import Timeline, timeline

WAITING_MOST = 16           #: pictures in the queue, of all tabs together
WATCH_SECONDS = 1.0         #: between two looks at the port of a board that nobody asks for anything
RETRY_SECONDS = 1.0         #: between two attempts to find a lost board again


class Stopped(Exception):
    """The demo ends: whoever waits for an answer gets none."""


@dataclass(frozen=True)
class Connected:
    """A board, the network in it, and the process that simulates it if that is one of ours."""

    board: Board
    model: HostModel
    running: RunningBoard | None = None


@dataclass(frozen=True, kw_only=True)
class Status:
    """What all tabs show, which changes while a board works.

    Parameters
    ----------
    state : "starting", "idle", "running" or "lost"
    message : str
        Why the board is lost.
    waiting : int
        Pictures in the queue.
    frames : int
        Answers so far.
    layer : str, optional
        The layer that runs.
    sent : float
        How much of the picture the board has taken, from 0 to 1.
    """

    state: str = "starting"
    message: str = ""
    waiting: int = 0
    frames: int = 0
    layer: str | None = None
    sent: float = 0.0


@dataclass(frozen=True)
class About:
    """What does not change: the board, the network in it, its layers."""

    info: BoardInfo
    model: HostModel
    timeline: Timeline
    observed: bool          #: whether the layer is read from the board's program counter, not told from the clock

    def to_json(self) -> dict:
        tensor = self.model.graph.tensors[self.model.graph.input]
        total = self.timeline.steps[-1].end
        return {"board": self.info.board, "port": self.info.port, "simulated": self.info.simulated,
                "clock_mhz": self.info.clock_hz / 1e6, "network": self.model.graph.name, "observed": self.observed,
                "channels": tensor.channels, "height": tensor.height, "width": tensor.width,
                "cycles": total,
                "layers": [{"name": name, "cycles": cycles}
                           for name, cycles in zip(self.timeline.layers, self.timeline.cycles)]}


@dataclass(frozen=True)
class _Request:
    pixels: np.ndarray
    answer: Future[Prediction]


class Device:
    """Answers pictures, one after the other, by the board that `connect` finds.

    Parameters
    ----------
    connect : callable
        A context manager that gives a `Connected`, or raises a FirelaneError; called again when the board is lost.
    say : callable
        Told when the board is lost, and when it is found again.
    failed : callable
        Called from the device's thread when that ends by a defect, which is then in `failure`.
    """

    def __init__(self, connect: Callable[[], AbstractContextManager[Connected]],
                 say: Callable[[str], None] = lambda text: None, failed: Callable[[], None] = lambda: None):
        self.about: About | None = None
        self.failure: BaseException | None = None
        self._connect, self._say, self._failed = connect, say, failed
        self._requests: queue.Queue[_Request | None] = queue.Queue(WAITING_MOST)
        self._changed = threading.Condition()
        self._status, self._version = Status(), 0
        self._stop = threading.Event()
        self._connected: Connected | None = None
        self._image_taken: float | None = None      # the clock when the board had all of the picture
        self._thread = threading.Thread(target=self._work, name="board", daemon=True)

    def start(self) -> None:
        """Find the board; from then on pictures are answered."""
        self._thread.start()

    def stop(self) -> None:
        """Let go of the board; pictures that wait get no answer."""
        self._stop.set()
        with contextlib.suppress(queue.Full):
            self._requests.put_nowait(None)
        self._thread.join()
        self._refuse_all(Stopped())
        self._set(state="stopped")

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def ask(self, pixels: np.ndarray) -> Future[Prediction]:
        """The answer to a picture, the stored values of the network's input, when its turn has come.

        Raises
        ------
        FirelaneError
            If there is no board, or too many wait.
        """
        status = self._status
        if status.state not in ("idle", "running"):
            raise FirelaneError("board", status.message or "not there yet", hint="wait until it is there")
        request = _Request(pixels, Future())
        try:
            self._requests.put_nowait(request)
        except queue.Full:
            raise FirelaneError("board", f"{WAITING_MOST} pictures are waiting", hint="try again") from None
        self._set()
        return request.answer

    def status(self) -> Status:
        """The status now, with the layer that runs now."""
        status = replace(self._status, waiting=self._requests.qsize())
        return replace(status, layer=self._layer(status)) if status.state == "running" else status

    def wait(self, version: int, seconds: float) -> int:
        """Until the status is another than that of `version`, or seconds have passed; returns the version."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != version or self.stopping, seconds)
            return self._version

    def _set(self, **changes: object) -> None:
        with self._changed:
            self._status, self._version = replace(self._status, **changes), self._version + 1     # type: ignore[arg-type]
            self._changed.notify_all()

    def _work(self) -> None:
        try:
            self._connect_again_and_again()
        except BaseException as error:      # a defect: nobody else would hear of it
            self.failure = error
            self._lost(FirelaneError("the demo", f"has failed ({type(error).__name__}: {error})"))
            self._failed()

    def _connect_again_and_again(self) -> None:
        while not self.stopping:
            try:
                with self._connect() as connected:
                    self._begin(connected)
                    self._serve(connected.board)
            except Stopped:
                return
            except FirelaneError as error:
                if self._status.state != "lost":
                    self._say(f"lost the board: {error}; looking for it again")
                self._lost(error)
                self._stop.wait(RETRY_SECONDS)

    def _lost(self, error: FirelaneError) -> None:
        self._connected = None
        self._set(state="lost", message=str(error), layer=None)
        self._refuse_all(error)

    def _begin(self, connected: Connected) -> None:
        if self._status.state == "lost":
            self._say(f"found the board again: {connected.board.info.port}")
        info, model = connected.board.info, connected.model
        if self.about is None or self.about.model.digest != model.digest:
            self.about = About(info, model, timeline(model), connected.running is not None)
        self.about = replace(self.about, info=info, model=model)
        self._connected = connected
        self._set(state="idle", message="")

    def _serve(self, board: Board) -> None:
        """Answer pictures until the demo ends or the board fails."""
        while not self.stopping:
            try:
                request = self._requests.get(timeout=WATCH_SECONDS)
            except queue.Empty:
                board.watch()
                continue
            if request is not None and request.answer.set_running_or_notify_cancel():
                self._answer(board, request)

    def _answer(self, board: Board, request: _Request) -> None:
        self._image_taken = None
        self._set(state="running", sent=0.0)
        try:
            [found] = self._run(board, request.pixels)
        except BaseException as error:
            request.answer.set_exception(error)
            raise
        self._set(state="idle", layer=None, frames=self._status.frames + 1)
        request.answer.set_result(found)

    def _run(self, board: Board, pixels: np.ndarray) -> tuple[Prediction, ...]:
        found = board.run(pixels[None], progress=self._progress)
        assert isinstance(found, tuple)
        return found

    def _progress(self, stage: str, done: float, total: float | None) -> None:
        if self.stopping:
            raise Stopped
        assert total is not None
        if done == total and self._image_taken is None and self._connected:
            self._image_taken = self._connected.board.cycles_now()
        if self._status.sent != done / total:
            self._set(sent=done / total)

    def _layer(self, status: Status) -> str | None:
        """The layer that runs: where the program of our own simulated board is, or by the clock, as predicted."""
        connected, about, taken = self._connected, self.about, self._image_taken
        if connected is None or about is None:
            return None
        if connected.running is not None:
            return about.timeline.layer_at_word(connected.running.program_word)
        cycle = float(about.timeline.loaded(status.sent))
        if taken is not None:
            cycle += connected.board.cycles_now() - taken
        return about.timeline.layer_at_cycle(cycle)

    def _refuse_all(self, error: Exception) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                request = self._requests.get_nowait()
                if request is not None and request.answer.set_running_or_notify_cancel():
                    request.answer.set_exception(error)


def status_record(status: Status) -> dict:
    """A status for the page."""
    return asdict(status)
