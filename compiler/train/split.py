"""Pictures to learn from, and pictures to judge by, with the same share of every class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from firelane.compiler.support.counted import counted
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.train.labelled import Labelled, read_labelled


def split(pictures: Labelled, share: float, seed: int) -> tuple[Labelled, Labelled]:
    """Pictures to learn from, and those that are held out: of each class this share, one at least.

    It follows from the contents of the files, not from their names; files with the same content stay together.

    Raises
    ------
    ConfigError
        If a class has only one picture.
    """
    held: set[int] = set()
    for number, name in enumerate(pictures.classes):
        contents = sorted({content for content, label in zip(pictures.digests, pictures.labels) if label == number})
        if len(contents) < 2:
            raise ConfigError("FOLDER", f"class {name} has one image, and one has to be held out",
                              hint="two at least of each class, or name held-out images with --valid")
        count = min(max(round(share * len(contents)), 1), len(contents) - 1)
        order = np.random.default_rng([seed, number]).permutation(len(contents))
        chosen = {contents[index] for index in order[:count]}
        held |= {index for index, (content, label) in enumerate(zip(pictures.digests, pictures.labels))
                 if label == number and content in chosen}
    learnt = [index for index in range(len(pictures)) if index not in held]
    return pictures.some(learnt), pictures.some(sorted(held))


def read_split(source: Labelled, valid: Path | None, share: float, seed: int) -> tuple[Labelled, Labelled]:
    """The two parts: held-out pictures of their own if `valid` names them."""
    return split(source, share, seed) if valid is None else (source, read_labelled(valid, "--valid", source.classes))


def overlap(learnt: Labelled, held: Labelled) -> str:
    """What is to be said of pictures that are in both parts, in words; empty if there are none."""
    both = len(set(held.digests) & set(learnt.digests))
    return f"{counted(both, 'held-out image')} {'is' if both == 1 else 'are'} learnt from, too: what is measured is " \
           "too good" if both else ""


def batches(count: int, size: int, seed: Sequence[int]) -> list[np.ndarray]:
    """Numbers of 0 .. count - 1 in an order that follows from the seed, in parts of at most `size`."""
    order = np.random.default_rng(list(seed)).permutation(count)
    return [order[begin:begin + size] for begin in range(0, count, size)]
