"""A model together with the images that it is calibrated with, both read and brought into one form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx

from firelane.compiler.frame_io.preprocessing import Preprocessing, preprocessing_of, record_preprocessing
from firelane.compiler.onnx_import.reader import Source, read_input, read_source
from firelane.compiler.quantize.calibration_images import Images, calibration_images
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.quantize.fold_preprocessing import fold_preprocessing, metadata
from firelane.compiler.quantize.partly_quantized import is_quantized, read_partly_quantized
from firelane.compiler.support.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Calibrated:
    """`model`, and `images` float32 (C, H, W) each, values of its input."""

    model: onnx.ModelProto
    images: Sequence[np.ndarray]
    recorded: Preprocessing | None = None      #: how pixels become the input of the model as it was given

    @property
    def takes_pixels(self) -> bool:
        """Whether the input takes pixels 0..255 as they are."""
        taken = preprocessing_of(metadata(self.model))
        return taken is not None and taken.takes_pixels


def read_calibrated(model: Source, calibration: Images, limit: int, record: dict | None = None) -> Calibrated:
    """A float model, its preprocessing folded into it where that is exact; or one that is quantized in part.

    Parameters
    ----------
    record : channels, mean, scale, resize as `Preprocessing` has them or as on the command line, where they are given

    Raises
    ------
    FirelaneError
        If model or images cannot be used.
    """
    if is_quantized(read_source(model)[0]):
        return _read_partly_quantized(model, calibration, limit, record or {})
    network = read_float_model(model)
    shape = read_input(network.graph).dims
    recorded = changed_record(preprocessing_of(metadata(network)), shape[0], record or {})
    if recorded is not None:
        network = record_preprocessing(network, recorded)
    network = fold_preprocessing(network)
    taken = preprocessing_of(metadata(network))
    return Calibrated(network, calibration_images(calibration, shape, recorded, taken, limit), recorded)


def _read_partly_quantized(model: Source, calibration: Images, limit: int, record: dict) -> Calibrated:
    """A model whose last layers somebody left float: `quantize` completes it, and leaves the rest as it is."""
    network = read_partly_quantized(model)
    shape = read_input(network.graph).dims
    recorded = changed_record(preprocessing_of(metadata(network)), shape[0], record)
    if recorded is not None:
        network = record_preprocessing(network, recorded)
    return Calibrated(network, calibration_images(calibration, shape, recorded, recorded, limit))


def read_quantized(model: Source, calibration: Images, limit: int) -> Calibrated:
    """A model that is quantized already."""
    network, _ = read_source(model)
    recorded = preprocessing_of(metadata(network))
    shape = read_input(network.graph).dims
    return Calibrated(network, calibration_images(calibration, shape, recorded, recorded, limit))


def changed_record(recorded: Preprocessing | None, channels: int, options: dict) -> Preprocessing | None:
    """The recorded `Preprocessing`, or a new one, with what the options say; None if nobody says anything."""
    given = {name: value for name, value in options.items() if value is not None}
    if not given:
        return recorded
    for name in ("mean", "scale"):
        if name in given:
            given[name] = _numbers(f"--{name}", given[name])
    default = Preprocessing(channels="gray" if channels == 1 else "RGB")
    return replace(recorded or default, **given)


def _numbers(option: str, given: str | float | Sequence[float]) -> tuple[float, ...]:
    parts = given.split(",") if isinstance(given, str) else given if isinstance(given, Sequence) else [given]
    try:
        return tuple(float(part) for part in parts)
    except (TypeError, ValueError):
        raise ConfigError(option, f"{given!r}", hint="one number, or several with commas between") from None
