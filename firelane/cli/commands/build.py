"""`firelane build`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import firelane
from firelane.cli.support.options import (
    PATH,
    check_option,
    json_option,
    limit_option,
    method_option,
    model_argument,
    record_options,
    report_option,
    search_options,
)
from firelane.cli.support.terminal import (
    display,
    goes_on,
    log_console,
    note_overridden,
    progress_console,
    say,
    write_report,
)
from firelane.cli.support.words import BOARD


@click.command()
@model_argument()
@click.option("--board", type=BOARD, required=True, metavar="NAME|FILE",
              help="A board, e.g. ulx3s_85f, or a file of `firelane new-board`.")
@click.option("--calib", "calibration", type=PATH, metavar="IMAGES",
              help="Folder of images without labels, or of folders of them, or .npy of uint8 pixels: at least 10, "
              "better 100. One in five is held out, to find what is lost. A quantized MODEL that the board holds needs "
              "none.")
@click.option("-o", "--output", "folder", type=PATH, metavar="DIR",
              help="Folder for everything that is made; what else is in it stays.  [default: build/MODEL-BOARD]")
@click.option("--judge", type=PATH, metavar="IMAGES",
              help="Images to find by what is lost; all of --calib are then worked with.")
@record_options
@method_option
@limit_option
@click.option("--compress/--no-compress", default=True, show_default=True,
              help="Make a network smaller that the board does not hold; else it is refused.")
@search_options
@click.option("--bitstream", is_flag=True, help="Place and route it, too: minutes, for a large device hours.")
@click.option("--seed", type=int, help="Of the placer; the first, if there are several.  [default: the board's]")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True,
              help="How many are tried; the first that meets timing wins.")
@click.option("--workers", type=click.IntRange(0), metavar="N",
              help="Processes that evaluate, 0 for none but this one.  [default: as many as processors]")
@check_option
@json_option
@report_option
def command(model: str, board: str, calibration: Path | None, folder: Path | None, effort: str, as_json: bool,
            report_file: Path | None, **options: Any) -> None:
    """Build MODEL, float or quantized ONNX, for a board: quantize, compress if need be, evaluate, compile.

    Everything that can be wrong is said before the work. It ends
    with what was lost of accuracy, found on images that nothing was made with, the bytes that it takes, frames a
    second, and what to type next.

    Each step is kept in DIR with the digest of all that it was made by: after Ctrl-C, or with another option, the same
    command makes only what is not there or depends on what has changed.

    How images become the network's input is read from its metadata; --preset, --channels, --mean, --scale and --resize
    say or change it. Networks of torchvision want --preset imagenet.
    """
    note_overridden(model, options)
    console = progress_console(as_json)
    with goes_on(), display(console) as progress:
        built = firelane.build(model, board, calibration, folder, thorough=effort == "thorough",
                               say=say(console), progress=progress, **options)
    write_report(built, report_file, say(console))
    if as_json:
        click.echo(built.to_json())
        return
    log_console().print(built, crop=False)          # a path may be longer than a line
