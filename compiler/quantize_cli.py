"""`firelane quantize`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from compiler.errors import ConfigError

METHODS = ("minmax", "mse", "percentile")


def record_options(command):
    """The options that say how a float network takes pixels, for `changed_record`."""
    for option in (
            click.option("--resize", type=int, help="Shorter side of an image before its centre is cut out."),
            click.option("--scale", metavar="S[,S,S]",
                         help="Pixels are multiplied by it after that, e.g. 0.00392 for 1/255."),
            click.option("--mean", metavar="M[,M,M]",
                         help="Subtracted from pixels 0..255, in the order of the channels."),
            click.option("--channels", type=click.Choice(["gray", "RGB", "BGR"]),
                         help="How the network takes channels.")):
        command = option(command)
    return command


@click.command(name="quantize")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--calib", "calibration", required=True, type=click.Path(path_type=Path), metavar="IMAGES",
              help="Folder of images, or .npy: uint8 pixels, or float input values (N, C, H, W).")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The QDQ model to write.")
@click.option("--method", type=click.Choice(METHODS), default="minmax", show_default=True,
              help="How the ranges of activations are found.")
@click.option("--images", "limit", type=click.IntRange(1), default=256, show_default=True,
              help="Use so many of the images at most.")
@record_options
def quantize_command(model: Path, calibration: Path, output: Path, method: str, limit: int, **record) -> None:
    """Quantize MODEL, a float ONNX file, to a standard QDQ graph.

    How images become the network's input is read from the model's metadata; --channels, --mean, --scale and --resize
    say or change it. It is recorded in the result.
    """
    from rich.console import Console

    from compiler.progress import display
    with display(Console(stderr=True)) as progress:
        summary = quantize_file(model, calibration, output, method=method, limit=limit, record=record,
                                progress=progress)
    Console().print(f"{summary}\nwritten: {output}", highlight=False, soft_wrap=True)


def quantize_file(model: Path, calibration: Path, output: Path, *, method: str = "minmax", limit: int = 256,
                  record: dict | None = None, progress=lambda stage, done, total: None) -> str:
    """What the command does; returns what was done, in words.

    Parameters
    ----------
    record : channels, mean, scale, resize as on the command line, where they are given
    progress : called with a stage's name, images done and images in all
    """
    from compiler.calibration import Method
    from compiler.calibration_images import calibration_images
    from compiler.float_model import read_float_model, write_model
    from compiler.fold_preprocessing import fold_preprocessing, metadata
    from compiler.onnx_import.reader import read_input
    from compiler.preprocessing import preprocessing_of, record_preprocessing
    from compiler.quantize import quantize
    network = read_float_model(model)
    shape = read_input(network.graph).dims
    recorded = changed_record(preprocessing_of(metadata(network)), shape[0], record or {})
    if recorded is not None:
        network = record_preprocessing(network, recorded)
    network = fold_preprocessing(network)
    taken = preprocessing_of(metadata(network))
    images = calibration_images(calibration, shape, recorded, taken, limit)
    quantized = quantize(network, images, method=Method(method),
                         progress=lambda stage, done: progress(stage, done, len(images)))
    write_model(quantized, output)
    pixels = "raw pixels" if taken is not None and taken.takes_pixels else "values that the host quantizes"
    return f"calibrated with {len(images)} images ({method}); the input takes {pixels}"


def changed_record(recorded, channels: int, options: dict):
    """The recorded `Preprocessing`, or a new one, with what the options say; None if nobody says anything."""
    from compiler.preprocessing import Preprocessing
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
