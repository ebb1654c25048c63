"""Which serial ports there are, and what is at each: `firelane devices` lists them, `--port auto` chooses one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from enum import StrEnum

from serial.tools import list_ports

from firelane.boards.host import simulated_clock
from firelane.boards.host.port import NoAnswerError, SerialPort
from firelane.boards.host.remote_board import RemoteBoard
from firelane.boards.top.identity import Identity
from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.compiler.support.progress import Progress, silent

AUTO = "auto"                       #: in place of the name of a port: the only one that has a board
BAUDS = (3_000_000, 1_000_000)      #: of the boards there are; the first where nobody says otherwise
PORTS_AT_ONCE = 16                  #: a port where nothing answers takes seconds
SIMULATED = "a simulated board"


class Status(StrEnum):
    """What a port turned out to be."""

    BOARD = "board"
    OTHER = "other"         #: something answers, and it is no board that we can talk to
    SILENT = "silent"
    CLOSED = "closed"       #: it cannot be opened


@dataclass(frozen=True)
class SerialLine:
    """A port before anything is sent to it, with what the operating system says of it."""

    port: str
    about: str = ""


@dataclass(frozen=True)
class Device:
    """A port, and the board at it or the reason why there is none.

    Parameters
    ----------
    port, about : str
        Its name, and what the operating system says of it.
    status : Status
    baud : int, optional
        At which the board answered.
    identity : Identity, optional
        What the board says of itself.
    engine_digest, model_digest : int
        Of the board's engine and of the model in it; 0 if there is none.
    problem : str
        Why there is no board, in words.
    """

    port: str
    about: str
    status: Status
    baud: int | None = None
    identity: Identity | None = None
    engine_digest: int = 0
    model_digest: int = 0
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.port}: {self.identity.board if self.identity else self.problem}"


def serial_lines() -> list[SerialLine]:
    """The machine's serial ports, and the pseudo-terminals of simulated boards."""
    real = [SerialLine(port.device, "" if port.description == "n/a" else port.description)
            for port in list_ports.comports()]
    return [*sorted(real, key=lambda line: line.port),
            *(SerialLine(path, SIMULATED) for path in simulated_clock.terminals())]


def find_devices(ports: Sequence[str] = (), baud: int | None = None, progress: Progress = silent) -> list[Device]:
    """What is at each of the ports, or of all there are: IDENTIFY is sent to each of them, side by side.

    Parameters
    ----------
    ports : sequence of str
        Names; none: all that there are.
    baud : int, optional
        The only rate to try; if not given, those of the boards there are.
    """
    known = serial_lines()
    about = {line.port: line.about for line in known}
    lines = [SerialLine(port, about.get(port, "")) for port in ports] or known
    found: dict[SerialLine, Device] = {}
    with ThreadPoolExecutor(PORTS_AT_ONCE) as pool:
        waiting = {pool.submit(_device, line, (baud,) if baud else BAUDS): line for line in lines}
        progress("asking each port", 0, len(lines))
        for done in as_completed(waiting):
            found[waiting[done]] = done.result()
            progress("asking each port", len(found), len(lines))
    return [found[line] for line in lines]


def chosen_port(port: str, baud: int | None, *, say: Callable[[str], None] = lambda text: None,
                progress: Progress = silent) -> tuple[str, int]:
    """The port that a user named, and its rate; of AUTO the only one that has a board, which is named.

    Raises
    ------
    ConfigError
        If there is no board, or more than one: it lists what was found.
    """
    if port != AUTO:
        return port, baud or BAUDS[0]
    devices = find_devices(baud=baud, progress=progress)
    boards = [device for device in devices if device.identity is not None]
    if len(boards) == 1 and boards[0].identity is not None and boards[0].baud is not None:
        say(f"board: {boards[0].identity.board} at {boards[0].port}")
        return boards[0].port, boards[0].baud
    if boards:
        raise ConfigError("--port", f"auto: {len(boards)} boards ({', '.join(map(str, boards))})",
                          hint="name one of these ports")
    listed = f"auto: no board ({'; '.join(map(str, devices))})" if devices else "auto: this machine has no serial port"
    raise ConfigError("--port", listed, hint="is the board connected, and does it have a Firelane bitstream?")


def _device(line: SerialLine, bauds: Sequence[int]) -> Device:
    """What is at a port; the rates are tried until a board answers, else the one of which most is known counts."""
    tried = []
    for baud in bauds:
        tried.append(_tried(line, baud))
        if tried[-1].status is Status.BOARD or line.about == SIMULATED:     # whose bits last as long as they last
            return tried[-1]
    return min(tried, key=lambda device: list(Status).index(device.status))


def _tried(line: SerialLine, baud: int) -> Device:
    try:
        port = SerialPort(line.port, baud)
    except ConfigError as error:
        return Device(line.port, line.about, Status.CLOSED, problem=error.found.removeprefix(f"{line.port} "))
    try:
        board = RemoteBoard(port)
        return Device(line.port, line.about, Status.BOARD, baud, board.identity, board.engine_digest,
                      board.state().digest)
    except NoAnswerError:
        return Device(line.port, line.about, Status.SILENT, problem="nothing answers")
    except FirelaneError as error:
        return Device(line.port, line.about, Status.OTHER, problem=error.found)
    finally:
        port.close()
