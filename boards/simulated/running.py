"""A simulated board that runs: a process, and the pseudo-terminal that is its serial line."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
import tty
from pathlib import Path

from boards.simulated.build import SimulatedBoard
from boards.simulated.contents import write_contents
from sim.verilator import SimulatorError

END_SECONDS = 10


class RunningBoard:
    """Starts the board with a model in its memories; a context manager that ends it.

    Parameters
    ----------
    board : SimulatedBoard
    images : ImageFile
        What the memories hold when it starts, as a bitstream's do. None: nothing.

    Attributes
    ----------
    port : str
        Path of the pseudo-terminal.
    cycles : int
        Simulated, once it has ended.
    """

    def __init__(self, board: SimulatedBoard, images=None):
        self._board, self._images = board, images
        self._stack = contextlib.ExitStack()
        self.port, self.cycles = "", 0

    def __enter__(self) -> RunningBoard:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="firelane-board-")))
            master, slave = self._open_terminal(stack)
            if self._images is not None:
                write_contents(self._board.pieces, self._images, folder)
            arguments = [f"+contents={folder}"] if self._images is not None else []
            timing = self._board.design.timing
            self._log = stack.enter_context(open(folder / "log", "w+"))
            self._process = subprocess.Popen(
                [self._board.program, str(master), str(timing.bit_cycles), str(2 * timing.patience_cycles), *arguments],
                stdin=subprocess.PIPE, stdout=self._log, stderr=subprocess.STDOUT, pass_fds=[master])
            stack.callback(self._end)
            self.port = os.ttyname(slave)
            self._started = time.perf_counter()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception) -> None:
        self._stack.close()

    def wait(self) -> None:
        """Until the process ends, which it does not by itself.

        Raises
        ------
        SimulatorError
            If it does.
        """
        self._process.wait()
        self._log.seek(0)
        raise SimulatorError("the simulated board", f"ended: {self._log.read().strip() or 'without a word'}")

    @property
    def seconds(self) -> float:
        """Since it was started."""
        return time.perf_counter() - self._started

    @staticmethod
    def _open_terminal(stack: contextlib.ExitStack) -> tuple[int, int]:
        """Both ends; ours of the host's side stays open, so that the line outlives each host."""
        master, slave = os.openpty()
        stack.callback(os.close, master)
        stack.callback(os.close, slave)
        tty.setraw(slave)
        os.set_blocking(master, False)
        return master, slave

    def _end(self) -> None:
        self._process.terminate()
        self._process.stdin.close()         # which wakes it where the signal came just before it fell asleep
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.seek(0)
        lines = self._log.read().split()
        self.cycles = int(lines[-1]) if lines and lines[-1].isdigit() else 0
