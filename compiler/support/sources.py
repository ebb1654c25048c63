"""The digest of the code that a kept result depends on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from firelane.compiler.support.files import digest

SUFFIXES = frozenset({".py", ".v", ".vlt", ".cpp"})


@lru_cache
def source_digest(*packages: str) -> str:
    """16 hexadecimal digits of the names and the contents of all source files of the import packages, recursively.

    A result that is kept (a Verilog file, a simulator, a quantized network) has this in its key, with the packages that
    it is made by: a change of any of their files makes it anew.
    """
    return digest([part for package in packages for path in _files(_folder(package))
                   for part in (f"{package}/{path.relative_to(_folder(package))}", path)])


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"{package} is not a package")
    return Path(spec.submodule_search_locations[0])


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES)
