"""Tools are ended with all that they have started."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from firelane.compiler.support import tool_processes
from firelane.compiler.support.tool_processes import ENDED, ToolProcesses

# A shell that waits for another process, as make does for a compiler. Both write to the pipe that is named.
STARTS_ANOTHER = ["sh", "-c", 'exec >"$0"; sleep 1000 & echo begun; wait']
STUBBORN = [sys.executable, "-c", "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
                                  "print('begun', file=open(sys.argv[1], 'w', 1)); file = open(sys.argv[1], 'w'); "
                                  "time.sleep(1000)"]


@pytest.mark.parametrize("command", [STARTS_ANOTHER, STUBBORN])
def test_the_end_is_that_of_all(tmp_path, command, monkeypatch):
    monkeypatch.setattr(tool_processes, "GRACE_SECONDS", 0.01 if command is STUBBORN else 1000)
    processes = ToolProcesses()
    pipes = [tmp_path / "one", tmp_path / "other"]
    with ThreadPoolExecutor(2) as pool:
        for pipe in pipes:
            os.mkfifo(pipe)
        codes = [pool.submit(processes.run, [*command, str(pipe)]) for pipe in pipes]
        written = [pipe.open() for pipe in pipes]
        assert [file.readline() for file in written] == ["begun\n", "begun\n"]
        processes.end()
        assert all(code.result() < 0 for code in codes)
    for file in written:
        with file:
            assert file.read() == ""            # to its end: nobody holds the other one any more


def test_nothing_begins_after_the_end(tmp_path):
    processes = ToolProcesses()
    assert processes.run(["false"]) == 1
    processes.end()
    assert processes.run(["touch", tmp_path / "made"]) == ENDED and not (tmp_path / "made").exists()


def test_ctrl_c_while_it_is_waited_for(tmp_path, monkeypatch):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    written = []

    class Interrupted(subprocess.Popen):
        def wait(self, timeout=None):
            if not written:
                written.append(pipe.open())
                assert written[0].readline() == "begun\n"
                raise KeyboardInterrupt
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        ToolProcesses().run([*STARTS_ANOTHER, str(pipe)])
    with written[0] as file:
        assert file.read() == ""
