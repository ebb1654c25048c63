"""`firelane quantize`."""

from __future__ import annotations

from pathlib import Path

import click

from firelane.compiler.quantize.calibrated import record_options

METHODS = ("minmax", "mse", "percentile")


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

    from firelane.compiler.support.progress import display
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
    from firelane.compiler.quantize.calibrated import read_calibrated
    from firelane.compiler.quantize.calibration import Method
    from firelane.compiler.quantize.float_model import write_model
    from firelane.compiler.quantize.quantize import quantize
    source = read_calibrated(model, calibration, limit, record)
    quantized = quantize(source.model, source.images, method=Method(method),
                         progress=lambda stage, done: progress(stage, done, len(source.images)))
    write_model(quantized, output)
    pixels = "raw pixels" if source.takes_pixels else "values that the host quantizes"
    return f"calibrated with {len(source.images)} images ({method}); the input takes {pixels}"
