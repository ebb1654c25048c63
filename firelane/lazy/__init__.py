"""Names that are imported when they are first used (PEP 562): the one reason why `firelane --help` answers at once.

NumPy, ONNX and Amaranth take a second to import. So the modules of the commands import nothing that needs them: what
they call they find in `firelane` and in `firelane.cli.support.work`, which have a table of names and where each is
defined, and fetch a name from there when it is asked for. So does `firelane.report`, for plotly need not be installed.
All other modules import what they need at the top.

A package of its own, because packages that `firelane` imports use it as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


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
        return getattr(import_module(home_of[name]), name)

    def names() -> list[str]:
        return sorted(home_of)
    return get, names
