"""The classes that a classifier finds, with names where a file or the model itself gives them.

A model names its classes in its metadata, under `firelane.classes`, as a JSON list of texts; a file counts before it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from firelane.compiler.ir.graph import HOST_OPERATORS, Graph
from firelane.compiler.support.errors import ConfigError, ModelError
from firelane.compiler.support.files import read_file

SHOWN = 5
CLASSES_KEY = "firelane.classes"
LABELS_BYTES = 1 << 24
_NUMBERS = {"Softmax": 0, "LogSoftmax": 0, "QLinearSoftmax": 0, "Sigmoid": 0, "HardSigmoid": 2, "Clip": 2}    # of each
Model = TypeVar("Model", bound=Any)     # an onnx.ModelProto, which takes a second to import


@dataclass(frozen=True)
class Guess:
    """One class: its index, its name (empty if unknown), and the share that the network gives it.

    `share` is a probability if the network ends with a Softmax or a Sigmoid, which the host computes, else the
    network's own value.
    """

    index: int
    name: str
    share: float


def best_classes(graph: Graph, result: np.ndarray, labels: tuple[str, ...] = (), count: int = SHOWN) -> list[Guess]:
    """The `count` classes of a result, uint8 (C, 1, 1), that it favours; of equal ones the first; none of a map."""
    tensor, stored = graph.tensors[graph.output], result.reshape(-1)
    if tensor.shape[1:] != (1, 1):
        return []
    values = (stored.astype(np.float64) - tensor.zero_point) * tensor.scale
    for name, numbers in host_operators(graph.metadata):
        values = _after(name, numbers, values)
    order = np.argsort(-values, kind="stable")[:count]
    return [Guess(int(index), labels[index] if labels else "", float(values[index])) for index in order]


def host_operators(metadata: Mapping[str, str]) -> list[tuple[str, tuple[float, ...]]]:
    """What the host has to do after the network: an operator's name, and its numbers, `HardSigmoid:0.2:0.5`.

    A Clip says where a quantizer behind the operator saturates; it counts for the probabilities of a LogSoftmax.

    Raises
    ------
    ModelError
        If it is something else.
    """
    found = []
    for operator in filter(None, metadata.get(HOST_OPERATORS, "").split(",")):
        name, *texts = operator.split(":")
        try:
            numbers = tuple(map(float, texts))
        except ValueError:
            numbers = (math.nan,)
        if len(numbers) != _NUMBERS.get(name) or not all(map(math.isfinite, numbers)):
            raise ModelError(f"metadata {HOST_OPERATORS}", f"{operator!r}", hint=f"{', '.join(_NUMBERS)} are possible")
        found.append((name, numbers))
    return found


def _after(name: str, numbers: tuple[float, ...], values: np.ndarray) -> np.ndarray:
    """What the host makes of the values; of a LogSoftmax the probabilities themselves."""
    if name.endswith("Softmax"):
        values = np.exp(values - values.max())
        return values / values.sum()
    if name == "Sigmoid":
        return 1 / (1 + np.exp(-values))
    first, second = numbers
    return np.clip(values, first, second) if name == "Clip" else np.clip(first * values + second, 0, 1)


def read_labels(path: Path, classes: int) -> tuple[str, ...]:
    """Names of `classes` classes: a line each, of which what follows the last tab counts.

    Raises
    ------
    ConfigError
        If there are not so many.
    """
    try:
        lines = read_file(path, LABELS_BYTES).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("--labels", f"{path}: {getattr(error, 'strerror', None) or 'not a text file'}",
                          hint="a file with the name of a class in each line") from None
    if len(lines) != classes:
        raise ConfigError("--labels", f"{path} has {len(lines)} lines, the network {classes} classes",
                          hint="a line for each class, in their order")
    return tuple(line.rpartition("\t")[2].strip() for line in lines)


def class_names(labels: Path | None, metadata: Mapping[str, str], classes: int) -> tuple[str, ...]:
    """Names of `classes` classes: those of the file if there is one, else those that the model records, or none.

    Raises
    ------
    FirelaneError
        If there are not so many.
    """
    return read_labels(labels, classes) if labels else recorded_names(metadata, classes)


def recorded_names(metadata: Mapping[str, str], classes: int | None = None) -> tuple[str, ...]:
    """The names that a model's metadata have for its classes; none if they have none.

    Raises
    ------
    ModelError
        If they are no list of texts, or not as many as there are classes.
    """
    if CLASSES_KEY not in metadata:
        return ()
    where = f"metadata {CLASSES_KEY}"
    try:
        names = json.loads(metadata[CLASSES_KEY])
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ModelError(where, "is no list of texts", hint='JSON, e.g. ["cat", "dog"]; or take it out')
    if classes is not None and len(names) != classes:
        raise ModelError(where, f"names {len(names)} classes, the network has {classes}",
                         hint="correct it, or take it out")
    return tuple(names)


def record_names(model: Model, names: Sequence[str]) -> Model:
    """A copy of an `onnx.ModelProto` whose metadata have these names for its classes."""
    copy = type(model)()
    copy.CopyFrom(model)
    entry = next((entry for entry in copy.metadata_props if entry.key == CLASSES_KEY), None)
    entry = entry if entry is not None else copy.metadata_props.add(key=CLASSES_KEY)
    entry.value = json.dumps(list(names), ensure_ascii=False)
    return copy
