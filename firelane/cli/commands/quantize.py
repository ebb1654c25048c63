"""`firelane quantize`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

import firelane
from firelane.cli.support.options import (
    PATH,
    check_option,
    json_option,
    limit_option,
    method_option,
    model_argument,
    record_options,
)
from firelane.cli.support.records import quantized_record
from firelane.cli.support.terminal import display, note_overridden, print_json, say
from firelane.compiler.support.outputs import check_file


@click.command()
@model_argument()
@click.option("--calib", "calibration", required=True, type=PATH, metavar="IMAGES",
              help="Folder of images, or of folders of them, or .npy, channels first or last: uint8 pixels, or float "
              "input values.")
@click.option("-o", "--output", required=True, type=PATH, help="The QDQ model to write.")
@method_option
@limit_option
@click.option("--equalise/--no-equalise", default=None,
              help="Scale channels to ranges that are more alike, by scales moved between layers.  [default: unless "
                   "the weights were trained to a few levels]")
@click.option("--compensate/--no-compensate", default=None,
              help="Round weights so that others make good each one's error; zeros stay zeros.  [default: as "
                   "--equalise; with fewer than 8 images not]")
@record_options
@check_option
@json_option
def command(model: str, calibration: Path, output: Path, as_json: bool, **options: Any) -> None:
    """Quantize MODEL, float ONNX, to a standard QDQ graph.

    How images become the network's input is read from the model's metadata; --preset, --channels, --mean, --scale and
    --resize say or change it. It is recorded in the result.
    """
    check_file(output, "-o", inputs=(Path(model), calibration))
    note_overridden(model, options)
    with display(Console(stderr=True)) as progress:
        quantized = firelane.quantize(model, calibration, progress=progress, **options)
        quantized.save(output)
    if as_json:
        print_json("quantize", quantized_record(quantized, output))
        return
    checked = "" if quantized.agreement is None else f"{quantized.agreement}\n"
    say(Console())(f"{quantized}\n{checked}written: {output}")
