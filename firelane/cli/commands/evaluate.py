"""`firelane evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

import firelane
from firelane.cli.support import work
from firelane.cli.support.options import PATH, json_option, model_argument, record_options, report_option
from firelane.cli.support.terminal import display, log_console, note_overridden, say, write_report
from firelane.cli.support.words import FOLDER
from firelane.compiler.support.outputs import check_file


@click.command()
@model_argument()
@click.option("--images", "folder", required=True, type=FOLDER, metavar="DIR",
              help="Folder of images, or of folders of them, one for each class.")
@click.option("--labels", type=PATH, metavar="FILE",
              help="List of images, `name index` in each line; or list of classes in their order: then image names "
              "begin with the index, or folders have the name, of their class.")
@click.option("--float", "float_model", type=PATH, metavar="FILE",
              help="Compare with this float model: agreement, divergence, noise of each layer.")
@click.option("--derive-float", is_flag=True,
              help="Compare with MODEL itself without quantization of activations; weights stay as they are.")
@click.option("--reference/--no-reference", default=None,
              help="Run the integer reference.  [default: if MODEL is quantized]")
@click.option("--onnxruntime", is_flag=True, help="Run MODEL in ONNX Runtime as well (float models always do).")
@click.option("--limit", type=click.IntRange(1), help="Use so many of the images at most, evenly spread.")
@click.option("--scheduler", metavar="ADDRESS", help="Run on the workers of this Dask scheduler.")
@click.option("--workers", type=click.IntRange(0), metavar="N",
              help="Processes on this machine, 0 for none but this one.  [default: as many as processors]")
@json_option
@click.option("-o", "--output", type=PATH, metavar="FILE", help="Write the result there, as --json prints it.")
@record_options
@report_option
def command(model: str, folder: Path, output: Path | None, as_json: bool, report_file: Path | None,
            **options: Any) -> None:
    """Measure MODEL on a set of images: accuracy, and what is left of the float network.

    How images become the input of a model is read from its metadata; --preset, --channels, --mean, --scale and --resize
    say or change it. With --float they are said of FILE, and of MODEL only if that records nothing: a network of
    `firelane quantize` may take pixels in another way than the float one that it was made of.
    """
    if output is not None:
        check_file(output, "-o", inputs=(Path(model), options["float_model"], options["labels"]))
    note_overridden(options["float_model"] or model, options)
    errors = Console(stderr=True)
    with display(errors) as progress:
        evaluation = firelane.evaluate(model, folder, say=say(errors), progress=progress, **options)
    if output is not None:
        work.write_file(output, f"{evaluation.to_json()}\n".encode(), "-o")
    write_report(evaluation, report_file, say(errors))
    if as_json:
        click.echo(evaluation.to_json())
        return
    console = log_console()
    work.print_evaluation(console, evaluation)
    say(console)(f"{evaluation.images_per_second:.1f} images/s")
    if output is not None:
        say(console)(f"written: {output}")
