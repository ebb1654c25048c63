"""Which packages come with an extra of pyproject.toml, and Python where all others seem not to be installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = "firelane"
# Imported by every Python that finds this in a folder of PYTHONPATH.
SITE = """
import sys

class Hide:
    hidden = frozenset({hidden!r})

    def find_spec(self, name, path=None, target=None):
        if name in self.hidden:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hide())
"""
_NAME = re.compile(r"^([A-Za-z0-9._-]+)(?:\[([\w,-]+)\])?")


def normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def declared(extra: str | None) -> set[str]:
    """Distributions that pyproject.toml names for an extra, those of the extras in it too; None: without any."""
    found: set[str] = set()
    for line in PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]:
        match = _NAME.match(line)
        assert match is not None, line
        name, inner = match.groups()
        if name == OURS:
            for other in inner.split(","):
                found |= declared(other)
        else:
            found.add(normal(name))
    return found


@cache
def needed_by(distribution: str) -> frozenset[str]:
    """Distributions that one requires, whatever it is installed for."""
    try:
        lines = requires(distribution) or []
    except PackageNotFoundError:
        return frozenset()
    names = (_NAME.match(line) for line in lines if "extra ==" not in line)
    return frozenset(normal(name[1]) for name in names if name)


def installed_with(extras: Iterable[str]) -> set[str]:
    """All distributions of an installation with these extras."""
    waiting, found = list(declared(None).union(*map(declared, extras))), set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += needed_by(name)
            if name == "dask":          # is declared with an extra of its own
                waiting.append("distributed")
    return found


@cache
def distributions() -> dict[str, set[str]]:
    """Import name -> distributions that have it."""
    return {module: set(map(normal, names)) for module, names in packages_distributions().items()}


def importable(extras: Iterable[str]) -> set[str]:
    """Import names that an installation with these extras has."""
    there = installed_with(extras)
    return {module for module, names in distributions().items() if names & there}


def python(extras: Iterable[str], folder: Path, *arguments: str | Path,
           **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python, in `folder`, and what it starts, as after an installation with these extras."""
    site = folder / "site"
    site.mkdir(exist_ok=True)
    hidden = set(distributions()) - importable(extras) - {OURS, "pip", "setuptools", "_distutils_hack"}
    (site / "sitecustomize.py").write_text(SITE.format(hidden=sorted(hidden)))
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False,
                          cwd=folder, env={**os.environ, "PYTHONPATH": path, **environment})
