"""The progress of a build, and its end."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from firelane.sim.simulator import build_progress
from firelane.sim.simulator.build_progress import compiled_bytes, followed


def test_bytes_that_have_objects(tmp_path):
    for name, size in (("Vtop__1.cpp", 30), ("Vtop__2.cpp", 70), ("other.cpp", 999)):
        (tmp_path / name).write_text("x" * size)
    (tmp_path / "Vtop__1.o").touch()
    assert compiled_bytes(tmp_path) == (30, 100)


def test_progress_while_it_works(tmp_path, monkeypatch):
    """Verilator first, g++ when there are objects; what is told ends with the work."""
    monkeypatch.setattr(build_progress, "POLL_SECONDS", 0)
    told, verilated, compiled = [], threading.Event(), threading.Event()

    def work(processes):
        verilated.wait()
        (tmp_path / "Vtop.cpp").write_text("abc")
        (tmp_path / "Vtop.o").touch()
        compiled.wait()

    def progress(*arguments):
        told.append(arguments)
        (compiled if arguments[1] else verilated).set()
    followed(work, tmp_path, progress)
    assert told[0] == ("building the simulator: Verilator", 0, None)
    assert told[-1] == ("building the simulator: g++", 3, 3)


def test_failure_comes_through(tmp_path):
    def fail(processes):
        raise RuntimeError("g++")
    with pytest.raises(RuntimeError, match=r"^g\+\+$"):
        followed(fail, tmp_path, lambda stage, done, total: None)


# A command that builds a simulator: `verilator` is a shell with a child, as make has one, and both write to a pipe.
SIGNALLED = """
import signal, sys
from pathlib import Path
from firelane import __main__
from firelane.cli.commands import boards
from firelane.sim.simulator import build_progress, verilator

tool, pipe, folder, number = sys.argv[1:]
signal.signal(int(number), signal.SIG_DFL)      # nohup, and a shell in the background, have some ignored
build_progress.POLL_SECONDS = 0
verilator.EXECUTABLE = tool
read = []

def progress(*arguments):
    if not read:
        read.append(open(pipe).readline())      # which waits until the tool is there
        signal.raise_signal(int(number))

def command(**options):
    (verilog := Path(folder, "engine.v")).touch()
    verilator.compile_program(Path(folder, "made"), verilog, Path("main.cpp"), "top", progress)

boards.command.callback = command
sys.argv[1:] = ["boards"]
sys.exit(__main__.main())
"""


@pytest.mark.parametrize("number, code, said", [(signal.SIGINT, 130, "\ninterrupted\n"),
                                                (signal.SIGTERM, 143, "terminated\n"),
                                                (signal.SIGHUP, 143, "terminated\n")])
def test_a_signal_ends_the_build(tmp_path, number, code, said):
    """The command ends with its tools, and with what these have started."""
    pipe, tool = tmp_path / "pipe", tmp_path / "verilator"
    os.mkfifo(pipe)
    tool.write_text(f"#!/bin/sh\nexec > {pipe}\nsleep 1000 &\necho begun\nwait\n")
    tool.chmod(0o755)
    holder = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    done = subprocess.run([sys.executable, "-c", SIGNALLED, tool, pipe, tmp_path, str(int(number))], text=True,
                          stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (code, said)
    os.set_blocking(holder, True)
    assert os.read(holder, 100) == b""          # the end: nobody can write any more
    os.close(holder)
