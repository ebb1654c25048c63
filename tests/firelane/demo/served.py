"""A page of `firelane demo`; behind it a board in Python, whose engine is the reference, and which can be unplugged."""

from __future__ import annotations

import contextlib
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from firelane.api.board import Board
from firelane.boards.top.identity import Identity
from firelane.compiler.artefact.reader import HostModel
from firelane.compiler.support.errors import FirelaneError
from firelane.demo.device import Connected, Device
from firelane.demo.run import fitting
from firelane.demo.server import create_app, create_server, listening
from tests.boards.host.digits import CFG, expected, pixels
from tests.boards.host.fake_board import FakeBoard, on_terminal

CLOCK_HZ = 1_000_000


@dataclass
class Bench:
    """A board that is plugged in or not, and holds its answers back or not."""

    model: HostModel
    go_on: threading.Event = field(default_factory=threading.Event)
    computing: threading.Event = field(default_factory=threading.Event)
    port: str | None = None
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __post_init__(self):
        self.go_on.set()

    def plug_in(self) -> None:
        board = FakeBoard(compute=self._compute, digest=self.model.digest,
                          identity=Identity(board="fake", clock_hz=CLOCK_HZ, engine=CFG))
        self.port = self._stack.enter_context(on_terminal(board.answers))

    def unplug(self) -> None:
        self.port = None
        self._stack.close()

    @contextlib.contextmanager
    def connect(self) -> Iterator[Connected]:
        if self.port is None:
            raise FirelaneError("--port", "there is no board", hint="plug it in")
        with Board(self.port, model=self.model) as board:
            yield Connected(board, fitting(self.model, {}))

    def _compute(self, image: bytes) -> bytes:
        self.computing.set()
        self.go_on.wait()
        return expected("digits", np.frombuffer(image, np.uint8).reshape(pixels(0).shape))


@contextlib.contextmanager
def bench_of(model: HostModel) -> Iterator[Bench]:
    """A bench with the board plugged in."""
    bench = Bench(model)
    bench.plug_in()
    try:
        yield bench
    finally:
        bench.go_on.set()
        bench.unplug()


@contextlib.contextmanager
def started(connect: Callable, *others: Callable) -> Iterator[Device]:
    """A device that has found its board."""
    device = Device(connect, *others)
    device.start()
    try:
        until(device, lambda: device.status().state == "idle")
        yield device
    finally:
        device.stop()


def until(device: Device, condition: Callable[[], bool]) -> None:
    """Wait until the device's status makes a condition true."""
    version = -1
    while not condition():
        version = device.wait(version, 1)


@contextlib.contextmanager
def page_of(device: Device) -> Iterator[str]:
    """The address of a page that is served."""
    with contextlib.closing(listening(0)) as listener:
        port = listener.getsockname()[1]
        server = create_server(create_app(device, port), listener)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def ask(url: str, body: bytes | None = None, **headers: str) -> tuple[int, dict, dict]:
    """Status, JSON and headers of an answer."""
    request = urllib.request.Request(url, data=body, headers={name.replace("_", "-"): value
                                                              for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read() or b"{}"), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read()), dict(error.headers)
