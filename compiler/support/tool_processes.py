"""Tools that run as processes, and can be ended with all that they have started.

`make` and the drivers of compilers start others, which outlive them where only they are ended. So each tool has a
process group of its own. Ctrl-C of a terminal does not reach that: whoever waits ends it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from typing import Any

ENDED = -signal.SIGTERM         #: exit code of what was not begun any more
GRACE_SECONDS = 5.0             # for a tool to remove its temporary files


class ToolProcesses:
    """Tools that run in other threads, one or several at a time, until one thread ends them all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen] = set()
        self._ended = False

    def run(self, command: Sequence[str], **options: Any) -> int:
        """Run to the end; the exit code. `options` are those of `subprocess.Popen`."""
        with self._lock:                            # between `end` and this nothing can be begun
            if self._ended:
                return ENDED
            process = subprocess.Popen(command, process_group=0, **options)
            self._running.add(process)
        try:
            return process.wait()
        except BaseException:
            end_group(process)
            raise
        finally:
            self._running.discard(process)

    def end(self) -> None:
        """End all that run, and begin no more."""
        with self._lock:
            self._ended = True
            running = list(self._running)
        for process in running:
            end_group(process)


def end_group(process: subprocess.Popen) -> None:
    """End a process that leads its group, and the others in it; returns when it has ended."""
    _send(process, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except BaseException as early:                  # it takes no notice; or Ctrl-C came once more
        _send(process, signal.SIGKILL)
        process.wait()
        if not isinstance(early, subprocess.TimeoutExpired):
            raise


def _send(process: subprocess.Popen, number: signal.Signals) -> None:
    if process.poll() is None:                      # else its number may be another's by now
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
