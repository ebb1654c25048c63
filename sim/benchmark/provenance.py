"""The commit, the day and the machine of a measurement."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

CPU_FILE = Path("/proc/cpuinfo")
HERE = Path(__file__).resolve().parent
UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Commit, day and machine of a measurement.

    Parameters
    ----------
    commit : str
        Short; with a "+" if the tree held changes.
    day : str
        ISO, UTC.
    machine : str
        Cores and processor.
    load : float
        Processes that wanted to run before the measurement began, on average over a minute.
    """

    commit: str
    day: str
    machine: str
    load: float


def provenance() -> Provenance:
    """The provenance of a measurement that begins now."""
    return Provenance(commit=_commit(), day=datetime.now(UTC).date().isoformat(), machine=machine(),
                      load=round(os.getloadavg()[0], 1))


def machine() -> str:
    """Cores and processor; the architecture where the system does not name the processor."""
    lines = CPU_FILE.read_text().splitlines() if CPU_FILE.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{os.cpu_count()} cores of {model or platform.machine()}"


def _commit() -> str:
    try:
        _git("ls-files", "--error-unmatch", Path(__file__).name)    # an environment may stand in a foreign repository
        commit = _git("rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN                          # an export without its history, or an installed package


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=HERE, capture_output=True, text=True, check=True).stdout.strip()
