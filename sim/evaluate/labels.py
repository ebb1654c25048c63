"""The class that each image shows: from a file, from its name, or from the folder that it is in.

A labels file is one of

- a list of images: `name index` in each line, the name as the path below the folder of images;
- a list of classes, in their order: `index<tab>...<tab>name`, or just the name. Then an image's class is the number
  that its file name begins with, or, for an image in a folder, the class that the folder is called after: by number, or
  by any field of the class's line. A WordNet id (n01440764) in a file name must be that of its class.

Folders called as the network records its classes, or by numbers, need no file; nor do as many folders as there are
classes, which are taken in alphabetical order. Whatever can be read in two ways is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from firelane.compiler.frame_io.classes import LABELS_BYTES, read_labels
from firelane.compiler.quantize.calibration_images import image_files
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.files import read_file

__all__ = ["labels_of", "labels_of_folder"]

LABELS = "--labels"
WORDNET_ID = re.compile(r"(?<![A-Za-z0-9])n\d{8}(?!\d)")
LEADING_NUMBER = re.compile(r"\d+")


def labels_of(files: Sequence[Path], folder: Path, path: Path | None, classes: int,
              recorded: Sequence[str] = ()) -> tuple[int, ...] | None:
    """The class of each of `files`, which are in or below `folder`; None if nobody says.

    Parameters
    ----------
    path : of the labels file, if there is one
    classes : how many the network has
    recorded : their names, where the network has them

    Raises
    ------
    ConfigError
        If a class is missing, impossible, or not clear.
    """
    names = [file.relative_to(folder).as_posix() for file in files]
    if path is None:
        return _by_folder_alone(names, classes, recorded) if any("/" in name for name in names) else None
    if not path.is_file():
        raise ConfigError(LABELS, f"{path}: no such file", hint="a list of classes or of images")
    rows = _rows(path)
    of_images = bool(rows) and all(len(row) > 1 and row[-1].isdecimal() for row in map(str.split, rows))
    of_classes = bool(rows) and all("\t" in row and row.split("\t")[0] == str(index) for index, row in enumerate(rows))
    if of_images and of_classes:
        raise ConfigError(LABELS, f"{path} may be a list of images or of classes",
                          hint="separate the names of images from the index by a space")
    if of_images:
        return _listed(names, rows, path, classes)
    read_labels(path, classes)                           # complains if it is not one line for each class
    return _by_class_list(names, [tuple(field.strip() for field in row.split("\t")) for row in rows])


def labels_of_folder(folder: Path, labels: Path, option: str, classes: int) -> tuple[int, ...]:
    """The class of each image in `folder`, in the order in which images are read from it.

    Parameters
    ----------
    option : of the command line, that named the folder

    Raises
    ------
    ConfigError
        If it is no folder, or the class of an image is not clear.
    """
    if not folder.is_dir():
        raise ConfigError(option, f"{folder} is no folder", hint="labels belong to image files in a folder")
    found = labels_of(image_files(folder), folder, labels, classes)
    assert found is not None, "a file names the classes"
    return found


def _rows(path: Path) -> list[str]:
    try:
        return read_file(path, LABELS_BYTES).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(LABELS, f"{path}: {getattr(error, 'strerror', None) or 'not a text file'}",
                          hint="a list of classes or of images") from None


def _listed(names: Sequence[str], rows: Sequence[str], path: Path, classes: int) -> tuple[int, ...]:
    """Classes from `name index` lines; these may name more images than there are."""
    listed: dict[str, int] = {}
    for row in rows:
        name, number = row.rsplit(maxsplit=1)
        index = _checked(int(number), classes, f"{path}: {name}")
        if listed.setdefault(name.strip(), index) != index:
            raise ConfigError(LABELS, f"{path} has {name.strip()} twice, with classes {listed[name.strip()]} "
                              f"and {index}", hint="one line for each image")
    missing = [name for name in names if name not in listed]
    if missing:
        raise ConfigError(LABELS, f"{path} has no line for {len(missing)} of {len(names)} images, the first is "
                          f"{missing[0]}", hint="`name index`, the name as the path below the folder of images")
    return tuple(listed[name] for name in names)


def _by_class_list(names: Sequence[str], rows: Sequence[tuple[str, ...]]) -> tuple[int, ...]:
    by_name: dict[str, set[int]] = {}
    for index, fields in enumerate(rows):
        for field in fields:
            by_name.setdefault(field, set()).add(index)
    return tuple(_same_wordnet_id(name, rows, _named_class(name, by_name, len(rows))) for name in names)


def _named_class(name: str, by_name: dict[str, set[int]], classes: int) -> int:
    """The class that the folder is named after if there is one, else the number at the start of the file's name."""
    folder, _, file = name.rpartition("/")
    if not folder:
        number = LEADING_NUMBER.match(file)
        if number is None:
            raise ConfigError(LABELS, f"the name of image {name} does not begin with the index of its class",
                              hint="give a file with `name index` in each line")
        return _checked(int(number[0]), classes, name)
    found = by_name.get(folder, set()) | ({int(folder)} if folder.isdecimal() and int(folder) < classes else set())
    if len(found) != 1:
        meant = f"may be any of the classes {', '.join(map(str, sorted(found)))}" if found else "is no class"
        raise ConfigError(LABELS, f"folder {folder} {meant}", hint="call it by the index of its class")
    return found.pop()


def _same_wordnet_id(name: str, rows: Sequence[tuple[str, ...]], index: int) -> int:
    """`index`, unless name and class have WordNet ids that differ."""
    in_name = WORDNET_ID.search(name.rpartition("/")[2])
    of_class = next((field for field in rows[index] if WORDNET_ID.fullmatch(field)), None)
    if in_name and of_class and in_name[0] != of_class:
        raise ConfigError(LABELS, f"image {name} is said to show class {index}, which is {of_class}",
                          hint="the list of classes must be in the order of the network's outputs")
    return index


def _by_folder_alone(names: Sequence[str], classes: int, recorded: Sequence[str]) -> tuple[int, ...]:
    folders = [name.rpartition("/")[0] for name in names]
    if not all(folders):
        raise ConfigError("--images", f"image {names[folders.index('')]} stands beside folders of classes",
                          hint="all images in folders, or give --labels")
    kinds = sorted(set(folders))
    if set(kinds) <= set(recorded):
        return tuple(list(recorded).index(folder) for folder in folders)
    if all(folder.isdecimal() for folder in kinds):
        return tuple(_checked(int(folder), classes, f"folder {folder}") for folder in folders)
    if len(kinds) != classes:
        raise ConfigError("--images", f"{len(kinds)} folders, the network has {classes} classes",
                          hint="call them by the index of the class, or give a list of classes with --labels")
    order = {folder: index for index, folder in enumerate(kinds)}
    return tuple(order[folder] for folder in folders)


def _checked(index: int, classes: int, where: str) -> int:
    if index >= classes:
        raise ConfigError(LABELS, f"{where} has class {index}", hint=f"the network has classes 0 to {classes - 1}")
    return index
