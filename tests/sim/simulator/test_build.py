"""The build cache, and what a user reads when a build fails."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.sim.simulator import build as simulator_build
from firelane.sim.simulator import verilator
from firelane.sim.simulator.build import build
from firelane.sim.simulator.verilator import SimulatorError
from tests.simulators import roomy_engine, simulator

CFG = EngineConfig(trace=True)


@pytest.fixture
def empty_build(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path))
    return tmp_path


def engine_file(folder, text: str):
    path = folder / "mine.v"
    path.write_text(text)
    return path


def test_an_engine_without_trace_is_refused():
    with pytest.raises(ValueError, match="^cfg.trace must be True: the bench is connected to the trace ports$"):
        build(EngineConfig())


def test_built_once(monkeypatch):
    first = simulator(roomy_engine(2))
    monkeypatch.setattr(simulator_build, "compile_bench", lambda *arguments: pytest.fail("compiled again"))
    told = []
    assert build(roomy_engine(2), notify=told.append, progress=lambda stage, done, total: told.append(stage)) == first
    assert told == ["writing the engine's Verilog"]
    assert first.build_seconds > 0


def test_failed_build_names_the_log_and_the_error(empty_build):
    with pytest.raises(SimulatorError, match=r"build\.log: Verilator or g\+\+ failed: %Error.*engine\.v:1") as failed:
        build(CFG, verilog=engine_file(empty_build, "module firelane_engine(; endmodule"))
    assert "\n" not in str(failed.value)
    assert not list(empty_build.glob("sim/*/built.json"))


@pytest.mark.parametrize("change", ["verilog", "widths", "tools"])
def test_digest_follows_everything_that_is_compiled(change, empty_build, monkeypatch):
    def fake(directory, *_):
        directory.mkdir(parents=True)
    monkeypatch.setattr(simulator_build, "compile_bench", fake)
    source = engine_file(empty_build, "module a; endmodule")
    first = build(CFG, verilog=source)
    assert build(CFG, verilog=source) == first
    cfg = CFG
    match change:
        case "verilog":
            source = engine_file(empty_build, "module b; endmodule")
        case "widths":
            cfg = replace(CFG, banks=2)
        case "tools":
            monkeypatch.setattr(simulator_build, "tool_versions", lambda: "others")
    assert build(cfg, verilog=source).directory != first.directory


@pytest.mark.parametrize("tool", ["g++", "make", "perl"])
def test_missing_tool(tool, empty_build, monkeypatch):
    which = verilator.shutil.which
    monkeypatch.setattr(verilator.shutil, "which", lambda name: None if name == tool else which(name))
    message = f"{tool}: not found on PATH; install it (Debian: apt install {tool})"
    with pytest.raises(SimulatorError, match=f"^{re.escape(message)}$"):
        build(CFG, verilog=engine_file(empty_build, ""))


def test_missing_shared_python(empty_build, monkeypatch):
    monkeypatch.setattr(verilator.find_libpython, "find_libpython", lambda: None)
    with pytest.raises(SimulatorError, match="^libpython: cocotb needs .*; Debian: apt install libpython3"):
        build(CFG, verilog=engine_file(empty_build, ""))
