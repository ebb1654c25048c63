"""The host's end of a serial line."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from typing import Protocol

import serial
from serial.tools import list_ports

from firelane.boards.host import simulated_clock
from firelane.compiler.support.errors import ConfigError, FirelaneError

READ_SECONDS = 0.02         #: that one `read` waits
WRITE_SECONDS = 10          #: after which a real line that takes nothing is given up

_HINTS = {
    errno.EACCES: "may not be opened by you (Debian: add yourself to the group dialout)",
    errno.EBUSY: "is in use by another program",
    errno.EAGAIN: "is in use by another program",
    errno.ENOTTY: "is no serial port",
}


class LinkError(FirelaneError):
    """The board does not answer, or answers what the protocol does not have."""


class NoAnswerError(LinkError):
    """Nothing comes back at all."""


class Port(Protocol):
    """A line that bytes go over."""

    name: str
    simulated: bool         #: the other end is no physical board

    def write(self, octets: bytes) -> None:
        """Send."""

    def read(self) -> bytes:
        """What has come; waits READ_SECONDS if there is nothing, then returns nothing."""

    def clock(self) -> float:
        """Seconds, as they pass for the board."""

    def close(self) -> None:
        """No more."""


class SerialPort:
    """A serial port, or a simulated board's pseudo-terminal, for this process alone.

    Raises
    ------
    ConfigError
        If there is none of that name, or it cannot be opened.
    """

    def __init__(self, name: str, baud: int):
        self.name = name
        if os.path.isfile(name) or os.path.isdir(name):
            raise ConfigError("--port", f"{name} is no serial port", hint=_known_ports())
        try:
            self._serial = serial.Serial(name, baud, timeout=READ_SECONDS, write_timeout=WRITE_SECONDS, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as error:
            raise ConfigError("--port", _reason(name, error), hint=_known_ports()) from None
        with contextlib.suppress(ValueError, OSError, AttributeError):      # not of pseudo-terminals
            self._serial.set_low_latency_mode(True)     # FTDI adapters then answer after 1 ms, not 16
        self.simulated = simulated_clock.cycles(self._serial.fileno()) is not None
        if self.simulated:
            self._serial.write_timeout = None
        self._cycles = 0                        # of a simulated board, as last seen
        self._serial.reset_input_buffer()       # answers to a host before us

    def write(self, octets: bytes) -> None:
        with self._alive():
            self._serial.write(octets)

    def read(self) -> bytes:
        with self._alive():
            return self._serial.read(1) + self._serial.read(self._serial.in_waiting)

    def clock(self) -> float:
        if not self.simulated:
            return time.monotonic()
        self._cycles = simulated_clock.cycles(self._serial.fileno()) or self._cycles
        return self._cycles / simulated_clock.CYCLES_PER_SECOND

    def close(self) -> None:
        self._serial.close()

    @contextlib.contextmanager
    def _alive(self) -> Iterator[None]:
        try:
            yield
        except serial.SerialTimeoutException:
            raise LinkError(self.name, f"took nothing for {WRITE_SECONDS} s",
                            hint="is this the board's port, and is the board there?") from None
        except (serial.SerialException, OSError) as error:
            why = f" ({error.strerror})" if error.strerror else ""      # else it is a guess of pyserial's
            raise LinkError(self.name, f"the port is gone{why}", hint="is the board still connected?") from None


def _reason(name: str, error: Exception) -> str:
    cause = error.__context__                       # of which pyserial tells in words: a termios.error, no OSError
    number = getattr(error, "errno", None) or (cause.args[0] if cause and cause.args else 0)
    if number == errno.ENOENT:
        return f"there is no {name}"
    return f"{name} {_HINTS.get(number, f'cannot be opened: {error}')}"


def _known_ports() -> str:
    ports = [port.device for port in list_ports.comports()]
    return f"serial ports here: {', '.join(sorted(ports))}" if ports else "no serial port was found on this machine"
