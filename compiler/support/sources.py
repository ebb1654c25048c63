"""The digest of the code that a kept result depends on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from firelane.compiler.support.files import digest

SUFFIXES = frozenset({".py", ".v", ".vlt", ".cpp"})


@lru_cache
def source_digest(*packages: str) -> str:
    """16 hexadecimal digits of the names and the contents of all source files of the import packages, recursively.

    A result that is kept (a Verilog file, a simulator, a quantized network) has this in its key, with the packages that
    it is made by: a change of any of their files makes it anew. tests/test_kept_results.py holds each list of packages
    against what the maker imports.
    """
    return digest_of_folders({package: package_folder(package) for package in packages})


def digest_of_folders(folders: Mapping[str, Path]) -> str:
    """`source_digest` of packages whose files are in these folders."""
    return digest([part for package, folder in folders.items() for path in source_files(folder)
                   for part in (f"{package}/{path.relative_to(folder)}", path)])


def package_folder(package: str) -> Path:
    """Where the files of an import package are."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"{package} is not a package")
    return Path(spec.submodule_search_locations[0])


def source_files(folder: Path) -> Iterator[Path]:
    """All source files in and below a folder, in one order everywhere."""
    return (path for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES)
