"""Names that are imported when they are first used (PEP 562): why `firelane --help` answers at once.

NumPy, ONNX and Amaranth take a second to import. So the modules of the commands import nothing that needs them: what
they call they find in `firelane` and in `firelane.cli.support.work`, which have a table of names and where each is
defined, and fetch a name from there when it is asked for. So does `firelane.report`, for plotly need not be installed.
All other modules import what they need at the top.

Packages are not all installed, either. `NEEDS` says which group of them a module of ours belongs to; whoever fetches a
name without having it is told so in one line, before any work.

A package of its own, because packages that `firelane` imports use it as well.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

# Beginning of a module's name -> the extras, see `compiler.support.extras`, that it needs; the longest counts.
NEEDS = {
    "firelane": "",
    "firelane.api": "compile",
    "firelane.api.bitstream": "build",
    "firelane.api.board": "",
    "firelane.api.build": "compress",
    "firelane.api.compress": "compress",
    "firelane.api.quantize": "compress",
    "firelane.api.predict": "",
    "firelane.api.simulate": "sim",
    "firelane.api.simulated_board": "sim,compile",
    "firelane.api.train": "train",
    "firelane.boards": "compile",
    "firelane.boards.doctor": "",
    "firelane.boards.flow": "build",
    "firelane.boards.host": "",
    "firelane.boards.report.build_plot": "report",
    "firelane.boards.simulated": "sim",
    "firelane.compiler.compress": "compress",
    "firelane.compiler.train": "train",
    "firelane.demo": "demo",
    "firelane.models": "compile",
    "firelane.report": "report",
    "firelane.report.needs": "",
    "firelane.sim.benchmark": "sim,compile",
    "firelane.sim.evaluate": "compile",
    "firelane.sim.judge": "sim",
}

# Commands that need more than what they fetch first.
OF_COMMANDS = {"bitstream": "build", "board-sim": "sim", "build": "compress", "camera-sim": "sim",
               "compress": "compress", "program": "build", "simulate": "sim", "vivado-project": "build"}


def extra_of(module: str) -> str:
    """The extras that a module of ours needs, with commas between."""
    while module not in NEEDS:
        module = module.rpartition(".")[0]
    return NEEDS[module]


def lazy_names(module: str, homes: Mapping[str, Iterable[str]]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of `module`.

    Parameters
    ----------
    homes : mapping
        Module -> the names that are defined there.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def get(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {module!r} has no attribute {name!r}", name=name)
        home, extras = home_of[name], import_module("firelane.compiler.support.extras")     # not before it is needed
        command = _command()
        who = f"firelane {command}" if command else f"{module}.{name}"
        return getattr(extras.from_extra(home, OF_COMMANDS.get(command) or extra_of(home), who), name)

    def names() -> list[str]:
        return sorted(home_of)
    return get, names


def _command() -> str:
    """The command that is running, if one is."""
    click = sys.modules.get("click")
    context = click.get_current_context(silent=True) if click else None
    return str(context.info_name) if context else ""
