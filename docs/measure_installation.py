"""Measure what each extra takes, and write the table of `docs/installation.md`.

    .venv/bin/python docs/measure_installation.py

Each is installed with pip into an environment of its own, in a temporary folder, with the versions of constraints.txt;
counted are the bytes of what came, pip itself left out. `train` is left out: what PyTorch takes depends on which of its
builds pip finds.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/installation.md"
LEFT_OUT = ("exporters", "exporters-intel", "exporters-tensorflow", "journey", "train")
ROW = re.compile(r"^\| `\[([a-z-]+)\]` \|[^|]*\|", re.MULTILINE)
ALONE = re.compile(r"^\| none \|[^|]*\|", re.MULTILINE)


def extras() -> list[str]:
    """The extras that are measured."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    return [name for name in declared if name not in LEFT_OUT]


def installed_bytes(extra: str | None) -> int:
    """Bytes in site-packages after an installation, less those that were there before."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        [packages] = Path(folder).glob("lib/python*/site-packages")
        before = _bytes(packages)
        subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "--no-compile", "--constraint", ROOT / "constraints.txt",
                        "--editable", f"{ROOT}[{extra}]" if extra else ROOT], check=True)
        return _bytes(packages) - before


def with_sizes(text: str, sizes: dict[str | None, int]) -> str:
    """The document with these numbers in its table."""
    text = ALONE.sub(lambda row: f"| none | {_megabytes(sizes[None])} |", text)
    return ROW.sub(lambda row: f"| `[{row[1]}]` | {_megabytes(sizes[row[1]])} |" if row[1] in sizes else row[0], text)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f}"


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _main() -> None:
    sizes: dict[str | None, int] = {}
    for extra in (None, *extras()):
        sizes[extra] = installed_bytes(extra)
        print(f"{extra or 'none'}: {_megabytes(sizes[extra])} MB", flush=True)
    DOCUMENT.write_text(with_sizes(DOCUMENT.read_text(), sizes))


if __name__ == "__main__":
    _main()
