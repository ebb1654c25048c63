"""Pictures of animals and food by several vendors, from npm's packages of emoji: see docs/transfer.md.

    npm pack @iconify-json/noto @iconify-json/noto-v1 ...           (`PACKAGES`, any folder)
    python -m firelane.models.making.drawings FOLDER -o OUT         needs resvg-py: pip install resvg-py==0.5.0

    OUT/VENDOR/CLASS/SET.png        256 x 256, on white
    OUT/without-VENDOR.txt          a list for `firelane train`: pictures of all other vendors

Nothing is downloaded here. Packages are known by their digests; others of the same sets are taken with `--any-version`.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import sys
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.models.making.drawing_sets import PACKAGES, Package

SIDE = 256                          #: rows and columns of a picture
CATEGORIES = ("Animals & Nature", "Food & Drink")
NAMING = "noto"                     #: the set whose categories name the candidates

Render = Callable[[str], bytes]     # SVG to PNG


@dataclass(frozen=True, eq=False)
class DrawingSet:
    """A package that was read: its drawings, with other names for some, as icons.json of Iconify has them."""

    package: Package
    icons: Mapping[str, Any]
    categories: Mapping[str, Sequence[str]]

    def svg(self, name: str) -> str | None:
        """The drawing that a class is called, if there is one."""
        drawing = self._drawing(self._own_name(name))
        if drawing is None:
            return None
        left, top, width, height = (drawing.get(key, self.icons.get(key, default)) for key, default in (
            ("left", 0), ("top", 0), ("width", 16), ("height", 16)))
        return (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                f'viewBox="{left} {top} {width} {height}">{drawing["body"]}</svg>')

    def _drawing(self, name: str) -> Mapping[str, Any] | None:
        """The icon of a name; none for another name of one that is turned or mirrored: that is a second drawing."""
        aliases = self.icons.get("aliases", {})
        while name not in self.icons["icons"]:
            if set(aliases.get(name, ())) != {"parent"}:
                return None
            name = aliases[name]["parent"]
        return self.icons["icons"][name]

    def _own_name(self, name: str) -> str:
        """What the set calls a class that others call otherwise."""
        return self.package.own_names.get(name, name.replace("-", "") if self.package.joined else name)


def read_set(package: Package, folder: Path, any_version: bool = False) -> DrawingSet:
    """The set of a package that was put into a folder.

    Raises
    ------
    FirelaneError
        If the package is not there, is another version, or has not what it should have.
    """
    file = folder / package.file
    if any_version and not file.exists():
        file = max(folder.glob(f"{package.stem}-[0-9]*.tgz"), default=file)
    if not file.exists():
        raise ConfigError("FOLDER", f"{file}: no such file", hint=f"npm pack {package.name}@{package.version}")
    if not any_version and hashlib.sha256(file.read_bytes()).hexdigest() != package.digest:
        raise ConfigError("FOLDER", f"{file} has another digest than {package.name} {package.version}",
                          hint=f"npm pack {package.name}@{package.version} gets it again")
    try:
        with tarfile.open(file) as archive:
            icons, about = (json.load(_member(archive, f"package/{name}.json")) for name in ("icons", "metadata"))
        return DrawingSet(package, icons, about.get("categories", {}))
    except (tarfile.TarError, EOFError, KeyError, ValueError) as error:
        raise FirelaneError(str(file), f"is no package of Iconify: {error}", hint="get it again") from None


def _member(archive: tarfile.TarFile, name: str) -> Any:
    member = archive.extractfile(name)
    if member is None:
        raise KeyError(f"{name} is no file")
    return member


def class_names(sets: Iterable[DrawingSet]) -> list[str]:
    """The classes: names of animals and food in the set `NAMING` that every set which defines them has.

    Its categories have plants, dishes and kitchenware, too. With `PACKAGES` there are 197.
    """
    sets = list(sets)
    defining = [each for each in sets if each.package.defines]
    categories = next(each.categories for each in sets if each.package.set == NAMING)
    names = {name for category in CATEGORIES for name in categories[category]}
    return sorted(name for name in names if all(each.svg(name) is not None for each in defining))


def write_pictures(sets: Iterable[DrawingSet], output: Path, render: Render) -> dict[str, int]:
    """Draw all pictures, and the lists of what is there without each vendor; how many each vendor has."""
    sets = list(sets)
    names = class_names(sets)
    written: list[tuple[str, str, str]] = []
    for each in sets:
        for name in names:
            drawing = each.svg(name)
            if drawing is not None:
                place = f"{each.package.vendor}/{name}/{each.package.set}.png"
                (output / place).parent.mkdir(parents=True, exist_ok=True)
                (output / place).write_bytes(render(drawing))
                written.append((each.package.vendor, place, name))
    vendors = sorted({vendor for vendor, _, _ in written})
    for left_out in vendors:
        lines = [f"{place}\t{name}\n" for vendor, place, name in written if vendor != left_out]
        (output / f"without-{left_out}.txt").write_text("".join(lines))
    return {vendor: sum(one == vendor for one, _, _ in written) for vendor in vendors}


def resvg() -> Render:
    """The renderer of resvg."""
    try:
        resvg_py = importlib.import_module("resvg_py")
    except ImportError:
        raise ConfigError("resvg-py", "is not installed, and draws the pictures",
                          hint="pip install resvg-py==0.5.0") from None
    return lambda svg: bytes(resvg_py.svg_to_bytes(svg_string=svg, width=SIDE, height=SIDE, background="#ffffff",
                                                   skip_system_fonts=True))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m firelane.models.making.drawings",
                                     description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where npm's packages are")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the folder to write")
    parser.add_argument("--any-version", action="store_true", help="do not look at the digests of packages")
    args = parser.parse_args(argv)
    try:
        sets = [read_set(package, args.folder, args.any_version) for package in PACKAGES]
        counts = write_pictures(sets, args.output, resvg())
    except FirelaneError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{len(class_names(sets))} classes; pictures: " + ", ".join(f"{name} {n}" for name, n in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
