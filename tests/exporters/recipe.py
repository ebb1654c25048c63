"""What a file of graphs says about each of them, and how it hands them over.

Run as `python -m tests.exporters.from_TOOL FOLDER`, such a file writes a folder for each graph: `model.onnx`, and in
`data.npz` images and the outputs that the tool itself computes for them. A line of JSON on standard output tells of
each as soon as it is made; whatever the tool prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx

RIGHT, REFUSED, NO_EXPORT = "right", "refused", "no export"        #: what can be expected
ERROR_MAX = 240                        # characters of a tool's own error


@dataclass(frozen=True, eq=False)
class Made:
    """A graph and what its tool says that it computes.

    Parameters
    ----------
    model : onnx.ModelProto
    images : float32 (N, C, H, W), values of the input, channels first whatever the graph has; uint8: pixels
    outputs : float (N, ...), the result of each image
    """

    model: onnx.ModelProto
    images: np.ndarray
    outputs: np.ndarray


@dataclass(frozen=True, eq=False)
class Recipe:
    """How a graph is made, and what is expected of it.

    Parameters
    ----------
    variant : str
        What is special about it, as the document says it.
    make : callable
    expect : str
        `RIGHT`, `REFUSED` where the engine cannot compute it, or `NO_EXPORT` where the tool itself writes no graph.
    complete : bool
        Whether the tool quantized it in part, so that `firelane quantize` has to do the rest.
    """

    variant: str
    make: Callable[[], Made]
    expect: str = RIGHT
    complete: bool = False


@dataclass(frozen=True)
class Announced:
    """One line: a graph that was made, or the tool's error in place of it."""

    variant: str
    expect: str
    complete: bool
    folder: str = ""
    error: str = ""


@dataclass(frozen=True)
class Tool:
    """The first line: whose graphs follow, and how many."""

    name: str
    version: str
    count: int


def hand_over(name: str, version: str, recipes: Sequence[Recipe]) -> None:
    """Make all graphs, one after the other; the main function of a file of graphs."""
    lines = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    folder = Path(sys.argv[1])
    print(json.dumps(asdict(Tool(name, version, len(recipes)))), file=lines)
    for number, recipe in enumerate(recipes):
        print(json.dumps(asdict(_announced(recipe, folder / f"{number:02}"))), file=lines)


def _announced(recipe: Recipe, folder: Path) -> Announced:
    try:
        save(recipe.make(), folder)
    except (Exception, SystemExit) as error:             # a foreign tool raises anything
        traceback.print_exc()
        return Announced(recipe.variant, recipe.expect, recipe.complete, error=in_one_line(error))
    return Announced(recipe.variant, recipe.expect, recipe.complete, folder=str(folder))


def in_one_line(error: BaseException) -> str:
    """Kind of an error and the first line of what it says, without paths, escapes and addresses."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    text = next((line.strip() for line in text.splitlines() if line.strip()), "")
    text = re.sub(r"(?<![\w.])/[\w./-]+/[\w.-]+(:\d+)?", "", text)
    text = re.sub(r" at 0x[0-9a-f]+", "", text)
    text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if len(text) <= ERROR_MAX else text[:ERROR_MAX - 3] + "..."


def save(made: Made, folder: Path) -> None:
    """Write a graph, its images and its outputs to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(made.model, folder / "model.onnx")
    np.savez(folder / "data.npz", images=made.images, outputs=np.asarray(made.outputs, np.float64))


def saved(folder: Path) -> Made:
    """What `save` has written; the model without its data if those are elsewhere."""
    with np.load(folder / "data.npz") as data:
        return Made(onnx.load(folder / "model.onnx"), data["images"], data["outputs"])
