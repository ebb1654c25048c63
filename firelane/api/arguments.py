"""Arguments of the API: one of another kind, or out of range, is a `ConfigError` that names it and what is possible."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.near import hint


def check_choice(argument: str, value: Any, possible: Collection[str]) -> None:
    """Refuse what is none of the words that are possible."""
    if value not in possible:
        raise ConfigError(argument, _shown(value), hint=hint(str(value), possible))


def check_count(argument: str, value: Any, least: int = 1) -> None:
    """Refuse what is no whole number, or less than the least; None is what nobody said."""
    if value is not None and not (_is_number(value, Integral) and value >= least):
        raise ConfigError(argument, _shown(value), hint=f"a whole number from {least} on")


def check_above_zero(argument: str, value: Any, most: float = math.inf) -> None:
    """Refuse what is no finite number above 0, or more than the most; None is what nobody said."""
    if value is not None and not (_is_number(value, Real) and math.isfinite(value) and 0 < value <= most):
        raise ConfigError(argument, _shown(value),
                          hint="a number above 0" + (f", at most {most:g}" if math.isfinite(most) else ""))


def check_source(source: Any) -> None:
    """Refuse what is no name, file or model of a network."""
    if not isinstance(source, str | Path | onnx.ModelProto):
        raise ConfigError("network", _shown(source),
                          hint="a name, the path of an .onnx file, an onnx.ModelProto and a Network are possible")


def check_images(argument: str, images: Any) -> None:
    """Refuse what is no folder, file or array of images."""
    if not isinstance(images, str | Path | np.ndarray):
        raise ConfigError(argument, _shown(images),
                          hint="a folder of images, an .npy file and a numpy.ndarray are possible")


def check_labels(labels: Sequence[int] | None, classes: int) -> None:
    """Refuse labels that are no classes of a network."""
    for index, label in enumerate(() if labels is None else labels):
        if not (_is_number(label, Integral) and 0 <= label < classes):
            raise ConfigError("labels", f"{_shown(label)} for image {index}, the network has {classes} classes",
                              hint=f"whole numbers from 0 to {classes - 1}")


def _is_number(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    """A value as it is typed, and short."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
