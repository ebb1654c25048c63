"""Environments of their own for the tools, so that what they pin does not disturb the project's.

Each is made from an extra of pyproject.toml, in build/exporters; a later run takes it as it is if the extra is the
same.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from firelane.compiler.support.files import build_root

ROOT = Path(__file__).resolve().parents[2]
PROJECT = None                         #: in place of an extra: the project's own environment


class InstallationError(Exception):
    """A tool cannot be installed; says why in one line."""


def python_of(extra: str | None) -> Path:
    """The Python of the environment with that extra, which is made if it is not there.

    Raises
    ------
    InstallationError
        If pip does not find all of it.
    """
    if extra is PROJECT:
        return Path(sys.executable)
    requirements = requirements_of(extra)
    folder = build_root() / "exporters" / extra
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    wanted = "\n".join(requirements) + "\n"
    if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
        stamp.write_text(wanted)
    return python


def requirements_of(extra: str) -> list[str]:
    """What the extra asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["optional-dependencies"][extra]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines or ["pip says nothing"]
        raise InstallationError(errors[-1].removeprefix("ERROR: "))
