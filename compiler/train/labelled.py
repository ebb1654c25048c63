"""Labelled pictures: a folder of folders, one for each class, or a file that lists pictures with their classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firelane.compiler.quantize.calibration_images import image_files
from firelane.compiler.support.counted import counted
from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.compiler.support.files import digest, read_file
from firelane.compiler.support.near import hint

LIST_BYTES = 1 << 24
CLASSES_MAX = 1 << 12               #: channels of a map, see `ir.limits`
FOLDERS = "a folder for each class with its images in it, or a text file of lines `image<tab>class`"


@dataclass(frozen=True)
class Labelled:
    """Pictures and what they show.

    Parameters
    ----------
    classes : tuple of str
        Names, in the order of the network's outputs.
    files : tuple of Path
    labels : tuple of int
        The class of each file.
    digests : tuple of str
        The contents of each file.
    """

    classes: tuple[str, ...]
    files: tuple[Path, ...]
    labels: tuple[int, ...]
    digests: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.files)

    def some(self, chosen: Iterable[int]) -> Labelled:
        """These alone, in this order."""
        chosen = tuple(chosen)
        return Labelled(self.classes, tuple(self.files[index] for index in chosen),
                        tuple(self.labels[index] for index in chosen), tuple(self.digests[index] for index in chosen))


def read_labelled(source: Path, option: str, classes: Sequence[str] | None = None) -> Labelled:
    """The pictures of a folder or of a list.

    Classes are ordered by name, by number where all names are numbers.

    Parameters
    ----------
    option : of the command line, that named it
    classes : names that are known already, where it may have no others

    Raises
    ------
    FirelaneError
        If it is neither, a class has no pictures, is not known, or there is only one.
    """
    if not source.exists():
        raise ConfigError(option, f"{source}: no such file or folder", hint=FOLDERS)
    pairs = _of_folder(source, option) if source.is_dir() else _of_list(source, option)
    found = {name for _, name in pairs}
    if classes is None:
        classes = sorted(found, key=_order(found))
        _check_count(source, option, classes)
    for name in sorted(found - set(classes)):
        raise ConfigError(option, f"{source} has the class {name}, which is not learnt", hint=hint(name, classes))
    number = {name: index for index, name in enumerate(classes)}
    files = tuple(file for file, _ in pairs)
    return Labelled(tuple(classes), files, tuple(number[name] for _, name in pairs), tuple(map(_digest, files)))


def contradictions(pictures: Labelled) -> str:
    """What is to be said of files with the same content in several classes, in words; empty if there are none."""
    first: dict[str, int] = {}
    found = [(first[content], index) for index, content in enumerate(pictures.digests)
             if pictures.labels[first.setdefault(content, index)] != pictures.labels[index]]
    if not found:
        return ""
    one, other = (pictures.files[index] for index in found[0])
    more = f", and {counted(len(found) - 1, 'more pair')}" if len(found) > 1 else ""
    return f"{one} and {other} are the same picture, in two classes{more}"


def _of_folder(folder: Path, option: str) -> list[tuple[Path, str]]:
    """Each picture in or below a folder in `folder`, and that folder's name."""
    kinds = sorted(place for place in folder.iterdir() if place.is_dir() and not place.name.startswith("."))
    if loose := image_files(folder, classes=True):
        raise ConfigError(option, f"image {loose[0]} is in no folder of a class", hint=FOLDERS)
    if not kinds:
        raise ConfigError(option, f"{folder} has no folders in it", hint=FOLDERS)
    pairs = []
    for kind in kinds:
        below = sorted(place for place in kind.rglob("*") if place.is_dir() and not place.name.startswith("."))
        files = [file for place in (kind, *below) for file in image_files(place, classes=True)]
        if not files:
            raise ConfigError(option, f"{kind} has no images in it", hint="take that class out, or give it images")
        pairs += [(file, kind.name) for file in files]
    return pairs


def _of_list(path: Path, option: str) -> list[tuple[Path, str]]:
    """Each picture that a file lists, named from the folder of the file, and its class."""
    try:
        lines = read_file(path, LIST_BYTES).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(option, f"{path}: {getattr(error, 'strerror', None) or 'not a text file'}",
                          hint=FOLDERS) from None
    pairs = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, kind = (part.strip() for part in (line.split("\t", 1) if "\t" in line else _last_word(line)))
        if not name or not kind:
            raise ConfigError(option, f"{path}, line {number}: {line.strip()!r}", hint="wanted: image<tab>class")
        pairs.append((path.parent / name, kind))
    if not pairs:
        raise ConfigError(option, f"{path} lists no images", hint=FOLDERS)
    return pairs


def _last_word(line: str) -> tuple[str, str]:
    """What is before the last blank, and what is after it."""
    name, _, kind = line.strip().rpartition(" ")
    return name, kind


def _order(names: Iterable[str]) -> Callable[[str], Any]:
    """The key to sort names by."""
    return (lambda name: (int(name), name)) if all(name.isdecimal() for name in names) else str


def _check_count(source: Path, option: str, classes: Sequence[str]) -> None:
    if len(classes) < 2:
        raise ConfigError(option, f"{source} has one class, {classes[0]}", hint="two at least are needed to tell apart")
    if len(classes) > CLASSES_MAX:
        raise ConfigError(option, f"{source} has {len(classes):,} classes",
                          hint=f"at most {CLASSES_MAX:,} are possible")


def _digest(file: Path) -> str:
    try:
        return digest([file])
    except OSError as error:
        raise FirelaneError(str(file), error.strerror or "cannot be read",
                            hint="take it out of the folder or the list") from None
