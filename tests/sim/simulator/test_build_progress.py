"""The progress of a build."""

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

    def work():
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
    def fail():
        raise RuntimeError("g++")
    with pytest.raises(RuntimeError, match=r"^g\+\+$"):
        followed(fail, tmp_path, lambda stage, done, total: None)
