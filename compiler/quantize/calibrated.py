"""A model together with the images that it is calibrated with, both read and brought into one form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
import onnx

from firelane.compiler.frame_io.preprocessing import Preprocessing, preprocessing_of, record_preprocessing
from firelane.compiler.onnx_import.reader import read_input, read_model
from firelane.compiler.quantize.calibration_images import calibration_images
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.quantize.fold_preprocessing import fold_preprocessing, metadata
from firelane.compiler.quantize.partly_quantized import is_quantized, read_partly_quantized
from firelane.compiler.support.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Calibrated:
    """`model`, and `images` float32 (C, H, W) each, values of its input."""

    model: onnx.ModelProto
    images: Sequence[np.ndarray]

    @property
    def takes_pixels(self) -> bool:
        """Whether the input takes pixels 0..255 as they are."""
        taken = preprocessing_of(metadata(self.model))
        return taken is not None and taken.takes_pixels


def read_calibrated(path: Path, calibration: Path, limit: int, record: dict | None = None) -> Calibrated:
    """A float model, its preprocessing folded into it where that is exact; or one that is quantized in part.

    Parameters
    ----------
    record : channels, mean, scale, resize as on the command line, where they are given

    Raises
    ------
    FirelaneError
        If model or images cannot be used.
    """
    if is_quantized(read_model(path)):
        return _read_partly_quantized(path, calibration, limit, record or {})
    network = read_float_model(path)
    shape = read_input(network.graph).dims
    recorded = changed_record(preprocessing_of(metadata(network)), shape[0], record or {})
    if recorded is not None:
        network = record_preprocessing(network, recorded)
    network = fold_preprocessing(network)
    return Calibrated(network, calibration_images(calibration, shape, recorded, preprocessing_of(metadata(network)),
                                                  limit))


def _read_partly_quantized(path: Path, calibration: Path, limit: int, record: dict) -> Calibrated:
    """A model whose last layers somebody left float: `quantize` completes it, and leaves the rest as it is."""
    network = read_partly_quantized(path)
    shape = read_input(network.graph).dims
    recorded = changed_record(preprocessing_of(metadata(network)), shape[0], record)
    if recorded is not None:
        network = record_preprocessing(network, recorded)
    return Calibrated(network, calibration_images(calibration, shape, recorded, recorded, limit))


def read_quantized(path: Path, calibration: Path, limit: int) -> Calibrated:
    """A model that is quantized already."""
    network = read_model(path)
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


def _numbers(option: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(option, f"{text!r}", hint="one number, or several with commas between") from None


def record_options(command: Callable) -> Callable:
    """Add the options --channels, --mean, --scale and --resize to a command that calibrates."""
    options = [
        click.option("--channels", type=click.Choice(["gray", "RGB", "BGR"]), help="How the network takes channels."),
        click.option("--mean", metavar="M[,M,M]", help="Subtracted from pixels 0..255, in the order of the channels."),
        click.option("--scale", metavar="S[,S,S]",
                     help="Pixels are multiplied by it after that, e.g. 0.00392 for 1/255."),
        click.option("--resize", type=int, help="Shorter side of an image before its centre is cut out."),
    ]
    for option in reversed(options):
        command = option(command)
    return command
