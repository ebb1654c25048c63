"""What the checks see of a machine: files, programs, packages, groups of the user."""

from __future__ import annotations

import getpass
import grp
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from firelane.compiler.support.extras import Extra
from firelane.compiler.support.files import build_root
from firelane.sim.simulator.wave_format import wave_format


@dataclass(frozen=True)
class Machine:
    """The machine that we are on.

    Parameters
    ----------
    root : Path
        Of the file system.
    linux : bool
        Whether groups and udev rules decide who may use a device.
    """

    root: Path = Path("/")
    linux: bool = sys.platform == "linux"

    def program(self, name: str) -> str | None:
        """The path of a program that is on PATH."""
        return shutil.which(name)

    def import_problem(self, package: str) -> str:
        """Why a package of this Python cannot be imported, in its own words; empty if it can be.

        It is tried in a process of its own: a library for another processor ends it without a word.
        """
        done = subprocess.run([sys.executable, "-c", f"import {package}"], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return ""
        return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]

    def lacking(self, extra: Extra) -> list[str]:
        """What is not installed of a group of packages."""
        return extra.lacking()

    def libpython(self) -> str | None:
        """Python's shared library; None as well where the package that looks for it is not installed."""
        try:
            return import_module("find_libpython").find_libpython()
        except ModuleNotFoundError:
            return None

    def writes_fst(self) -> bool:
        """Whether the headers that Verilator's FST writer needs are there."""
        return wave_format(lambda text: None) == "fst"

    def free_bytes(self) -> int:
        """Room on the disk where the build folder is or would be."""
        place = build_root()
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free

    def memory_bytes(self) -> int | None:
        """Memory that programs can have now; None where the system does not tell."""
        try:
            lines = (self.root / "proc/meminfo").read_text().splitlines()
        except OSError:
            return None
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)

    def groups(self) -> set[str]:
        """Groups that this process is in; of root all that there are."""
        return {entry.gr_name for entry in grp.getgrall() if os.geteuid() == 0 or entry.gr_gid in os.getgroups()}

    def groups_at_login(self) -> set[str]:
        """Groups that the user will be in after the next login."""
        user = getpass.getuser()
        return {entry.gr_name for entry in grp.getgrall() if user in entry.gr_mem}

    def known_groups(self) -> set[str]:
        """All groups."""
        return {entry.gr_name for entry in grp.getgrall()}
