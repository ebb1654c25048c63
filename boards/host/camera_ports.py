"""Which serial port has a board with a camera: it answers nothing, but says something every second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from firelane.boards.host.camera_lines import LineSplitter
from firelane.boards.host.discovery import AUTO, BAUDS, PORTS_AT_ONCE, SIMULATED, serial_lines
from firelane.boards.host.port import SerialPort
from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.compiler.support.progress import Progress, silent

LISTEN_SECONDS = 2.5        #: a board that sees nothing says so every second


def camera_port(port: str, baud: int | None, *, say: Callable[[str], None] = lambda text: None,
                progress: Progress = silent) -> tuple[str, int]:
    """The port that a user named, and its rate; of AUTO the only one where a board with a camera is heard.

    Raises
    ------
    ConfigError
        If there is none, or more than one: it lists what was found.
    """
    if port != AUTO:
        return port, baud or BAUDS[0]
    ports = [line.port for line in serial_lines() if line.about != SIMULATED]      # `board-sim`: none has a camera
    progress("listening at each port", 0, None)
    with ThreadPoolExecutor(PORTS_AT_ONCE) as pool:
        heard = dict(zip(ports, pool.map(lambda name: _heard(name, (baud,) if baud else BAUDS), ports)))
    boards = [(name, rate) for name, rate in heard.items() if isinstance(rate, int)]
    if len(boards) == 1:
        say(f"a board with a camera at {boards[0][0]}, {boards[0][1]:,} baud")
        return boards[0]
    if boards:
        names = ", ".join(name for name, _ in boards)
        raise ConfigError("--port", f"auto: {len(boards)} boards with a camera ({names})",
                          hint="name one of these ports")
    listed = "; ".join(f"{name}: {problem}" for name, problem in heard.items())
    raise ConfigError("--port", f"auto: no board with a camera ({listed})" if heard else
                      "auto: this machine has no serial port",
                      hint="is the board connected, and does it have a bitstream made with --camera?")


def _heard(name: str, bauds: Sequence[int]) -> int | str:
    """The rate at which a board with a camera is heard at a port, or why there is none."""
    for baud in bauds:
        try:
            port = SerialPort(name, baud)
        except ConfigError as error:
            return error.found.removeprefix(f"{name} ")
        try:
            splitter, end = LineSplitter(), port.clock() + LISTEN_SECONDS
            while port.clock() < end:
                if splitter.feed(port.read()):
                    return baud
        except FirelaneError as error:
            return error.found
        finally:
            port.close()
    return "says nothing that such a board does"
