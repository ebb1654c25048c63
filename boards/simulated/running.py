"""A simulated board that runs: a process, and the pseudo-terminal that is its serial line."""

from __future__ import annotations

import contextlib
import mmap
import os
import socket
import subprocess
import sys
import tempfile
import time
import tty
from pathlib import Path

from firelane.boards.host import simulated_clock
from firelane.boards.host.connection import ANSWER_SECONDS
from firelane.boards.simulated.build import SimulatedBoard
from firelane.boards.simulated.contents import write_contents
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.sim.simulator.verilator import SimulatorError

# Of a quiet line, before time stands still: more than a host waits for an answer.
QUIET_CYCLES = round(2 * ANSWER_SECONDS * simulated_clock.CYCLES_PER_SECOND)


class RunningBoard:
    """Starts the board with a model in its memories; a context manager that ends it.

    Its time stands still while its host has nothing to say: see `let_pass`, and `boards.host.simulated_clock`.

    Parameters
    ----------
    board : SimulatedBoard
    contents : MemoryContents
        What the memories hold when it starts, as a bitstream's do. None: nothing.
    byte_cycles : int
        Cycles that a byte of the line takes; a real line takes more of them than 1.
    quiet_cycles : int
        Of a quiet line, before time stands still.

    Attributes
    ----------
    port : str
        Path of the pseudo-terminal.
    cycles : int
        Simulated, once it has ended.
    """

    def __init__(self, board: SimulatedBoard, contents: MemoryContents | None = None, *, byte_cycles: int = 1,
                 quiet_cycles: int = QUIET_CYCLES):
        self._board, self._contents = board, contents
        self._byte_cycles, self._quiet_cycles = byte_cycles, quiet_cycles
        self._stack = contextlib.ExitStack()
        self.port, self.cycles, self._word = "", 0, 0

    def __enter__(self) -> RunningBoard:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="firelane-board-")))
            options = []
            if self._contents:
                write_contents(self._board.pieces, self._contents, folder)
                options = [f"+contents={folder}"]
            self._log = stack.enter_context(open(folder / "log", "w+"))
            self._progress = stack.enter_context(_shared_word(folder / "progress"))
            self._start(stack, folder / "progress", options)
            self._started = time.perf_counter()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception) -> None:
        self._stack.close()

    def wait(self) -> None:
        """Wait until the process ends, which it does not by itself.

        Raises
        ------
        SimulatorError
            If it does.
        """
        self._process.wait()
        self._log.seek(0)
        raise SimulatorError("the simulated board", f"ended: {self._log.read().strip() or 'without a word'}")

    def let_pass(self, cycles: int) -> None:
        """Time goes on until the line has been quiet for so many cycles; then it stands still, until the host speaks.

        Without this it goes on for `quiet_cycles`. So a host may take its time, as long as nobody asks for more here
        than the board has patience.

        Raises
        ------
        SimulatorError
            If the board ends.
        """
        answer = b""
        with contextlib.suppress(OSError):      # the other end is closed
            self._parent.sendall(f"{cycles}\n".encode())
            answer = self._parent.recv(64)
        if not answer:
            self.wait()

    @property
    def program_word(self) -> int:
        """Where the instruction is that the engine has in hand, as it was a few hundred cycles ago at most.

        When the board has ended, it is where that was last asked for: it may end in another thread than the asking one.
        """
        with contextlib.suppress(ValueError):           # the memory is no longer shared
            self._word = int.from_bytes(self._progress[:], sys.byteorder)
        return self._word

    @property
    def seconds(self) -> float:
        """Seconds since it was started."""
        return time.perf_counter() - self._started

    def _start(self, stack: contextlib.ExitStack, progress: Path, contents: list[str]) -> None:
        """The process, at a terminal of which we keep the host's end open, so that the line outlives each host."""
        master, slave = os.openpty()
        stack.callback(os.close, slave)
        self.port = os.ttyname(slave)
        with open(master, "rb", buffering=0):   # then its last holder is the board: where that ends, the port is gone
            tty.setraw(slave)
            simulated_clock.publish(slave, 0)
            os.set_blocking(master, False)
            self._parent, child = map(stack.enter_context, socket.socketpair())
            with child:
                self._process = subprocess.Popen(
                    [str(self._board.program), str(master), str(self._quiet_cycles), str(progress),
                     str(self._byte_cycles), *contents],
                    stdin=child.fileno(), stdout=self._log,
                    stderr=subprocess.STDOUT, pass_fds=[master])
        stack.callback(self._end)

    def _end(self) -> None:
        self._process.terminate()
        self._parent.close()                # which wakes it where the signal came just before it fell asleep
        self._process.wait()
        self._log.seek(0)
        lines = self._log.read().split()
        self.cycles = int(lines[-1]) if lines and lines[-1].isdigit() else 0


def _shared_word(path: Path) -> mmap.mmap:
    """A file of four zeros, and what anyone who maps it writes there."""
    path.write_bytes(bytes(4))
    with open(path, "r+b") as file:
        return mmap.mmap(file.fileno(), 0)
