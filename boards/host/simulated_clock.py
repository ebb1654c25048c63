"""The time of a simulated board, at its pseudo-terminal, for the host at the other end.

A real board and its host live in the same seconds. A simulated board is a process, fast or slow as the machine is busy,
and its clock stands still while nobody speaks to it: its host counts the board's cycles, not seconds. Both ends of a
pseudo-terminal share its window size, for which nobody else has a use: four numbers of 16 bits, a mark and 48 bits of
cycles. They live as long as the terminal, and are found under whatever name it is opened.
"""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from pathlib import Path

MARK = 0xF17E                       #: as the number of rows: no terminal is that high
CYCLES_PER_SECOND = 250_000         #: what a host takes for a second; the longest answer takes less than two

UNNAMED = "simulated"               #: the name of a simulated board, where nobody gives it that of a real one
TERMINALS = Path("/dev/pts")        #: where Linux has pseudo-terminals

_SIZE = struct.Struct("=4H")        # rows, columns, and both in pixels


def publish(terminal: int, cycles: int) -> None:
    """Says at either end, a file descriptor, how many cycles have passed."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ,
                _SIZE.pack(MARK, cycles & 0xFFFF, cycles >> 16 & 0xFFFF, cycles >> 32 & 0xFFFF))


def cycles(terminal: int) -> int | None:
    """How many have passed; None if that is no simulated board's terminal."""
    try:
        found = fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(_SIZE.size))
    except OSError:                 # a serial port, mostly; or the board has gone, which the next read will say
        return None
    mark, low, middle, high = _SIZE.unpack(found)
    return low | middle << 16 | high << 32 if mark == MARK else None


def terminals() -> list[str]:
    """The pseudo-terminals of this user at which there are simulated boards."""
    paths = sorted(TERMINALS.glob("[0-9]*"), key=lambda path: int(path.name))
    return [str(path) for path in paths if _is_simulated(path)]


def _is_simulated(path: Path) -> bool:
    try:
        terminal = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)     # of whoever it is: nothing is read
    except OSError:
        return False
    try:
        return cycles(terminal) is not None
    finally:
        os.close(terminal)
