"""`firelane demo`: from options to a page that answers, until Ctrl-C."""

from __future__ import annotations

import contextlib
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from firelane.api.board import Board, stand_still
from firelane.boards.host.discovery import chosen_port
from firelane.boards.host.port import LinkError
from firelane.boards.simulated.model_board import build_model_board, is_compiled
from firelane.compiler.artefact.reader import HostModel
from firelane.compiler.frame_io.preprocessing import known_record
from firelane.compiler.frame_io.record_options import Options
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.progress import Progress, silent
from firelane.demo.device import Connected, Device
from firelane.demo.server import HOST, create_app, create_server, listening

Say = Callable[[str], None]
Connect = Callable[[], AbstractContextManager[Connected]]


@dataclass(frozen=True)
class Demo:
    """A page that is ready to be served: where the board is, and the port that the page has."""

    connect: Connect
    listener: socket.socket

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.listener.getsockname()[1]}/"

    def serve(self, *, open_browser: bool = False, say: Say = lambda text: None) -> None:
        """Answer browsers until Ctrl-C; `say` is told where the page is, and of a board that is lost or found again."""
        # From a thread of its own: it waits for `serve_forever`, which waits for nobody.
        device = Device(self.connect, say, lambda: threading.Thread(target=server.shutdown, daemon=True).start())
        with contextlib.closing(self.listener):
            server = create_server(create_app(device, self.listener.getsockname()[1]), self.listener)
            device.start()
            try:
                say(f"page: {self.url} (Ctrl-C ends it)")
                if open_browser:
                    webbrowser.open(self.url)
                server.serve_forever()      # which a KeyboardInterrupt ends
            finally:
                device.stop()
                server.server_close()
        if device.failure is not None:
            raise device.failure
        say("ended")


def demo(model: str | None = None, *, port: str | None = None, baud: int | None = None, board: str | None = None,
         labels: Path | None = None, record: Options | None = None, http_port: int = 0,
         say: Say = lambda text: None, progress: Progress = silent) -> Demo:
    """Find the board, or build the simulated one, so that the page can be served.

    Parameters
    ----------
    model : str, optional
        A folder that `firelane compile` wrote; for a simulated board also a name or an ONNX file, "digits" if none is
        given. Without one, a real board's is found by the digest that it names.
    port, baud
        Where a board is, "auto": the only one; None: a board is simulated.
    board : str, optional
        Which board the simulated one pretends to be.
    labels : Path, optional
        A text file with the name of a class in each line.
    record : mapping, optional
        How pictures become the network's input, see `compiler.frame_io.record_options`.
    http_port : int
        The page's; 0: any that is free.

    Raises
    ------
    FirelaneError
        If model, board, tools or the page's port cannot be used.
    """
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(contextlib.closing(listening(http_port)))    # refused before a long build
        connect = (_simulated(model or "digits", board, labels, record or {}, say, progress) if port is None
                   else _real(model, port, baud, labels, record or {}, say, progress))
        stack.pop_all()
    return Demo(connect, listener)


def fitting(model: HostModel, record: Options) -> HostModel:
    """The network, whose pictures are taken as options and record say; fitted whole if neither says how."""
    told = model.recording(record)
    known, tensor = known_record(told.graph), told.graph.tensors[told.graph.input]
    if known is not None and known.resize is None:
        return told.recording({"resize": max(tensor.height, tensor.width)})
    return told


def _real(model: str | None, port: str, baud: int | None, labels: Path | None, record: Options, say: Say,
          progress: Progress) -> Connect:
    """A board at a port; one that is not there, or holds what nobody knows, is refused before there is a page."""
    name, rate = chosen_port(port, baud, say=say, progress=progress)

    @contextlib.contextmanager
    def connect() -> Iterator[Connected]:
        with Board(name, baud=rate, model=model, labels=labels) as found:
            known = fitting(found.held(), record)
            yield Connected(found, known)

    with connect():
        return connect


def _simulated(model: str, board: str | None, labels: Path | None, record: Options, say: Say,
               progress: Progress) -> Connect:
    """A board that is simulated here, with a network in it; built now, started when it is wanted."""
    built = build_model_board(model, board, record=None if is_compiled(model) else record, notify=say,
                              progress=progress)
    known = fitting(built.model, record)
    say(str(built))

    @contextlib.contextmanager
    def connect() -> Iterator[Connected]:
        with built.start() as running, Board(running.port, model=known, labels=labels) as found:
            stand_still(found, running)
            try:
                yield Connected(found, known, running)
            except LinkError as error:          # whose hint is about a cable
                raise FirelaneError("the simulated board", f"has ended ({error.found})") from None

    return connect
