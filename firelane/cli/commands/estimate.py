"""`firelane estimate`."""

from __future__ import annotations

from pathlib import Path

import click

import firelane
from firelane.cli.support.options import json_option, model_argument, report_option
from firelane.cli.support.terminal import display, log_console, progress_console, say, write_report
from firelane.cli.support.words import BOARD


@click.command()
@model_argument()
@click.option("--board", "boards", type=BOARD, multiple=True, metavar="NAME|FILE",
              help="A board, e.g. ulx3s_85f; may be repeated. All boards if none is named.")
@click.option("--density", type=float, metavar="D", help="As if it were pruned: at most this share of each layer's "
              "weights is not zero, e.g. 0.33. For networks that are not pruned yet.")
@click.option("--camera", metavar="NAME", help="Pictures a second with a camera at the board: ov7670. See "
                                              "docs/camera.md.")
@json_option
@report_option
def command(model: str, boards: tuple[str, ...], density: float | None, camera: str | None, as_json: bool,
            report_file: Path | None) -> int:
    """Say what MODEL, float or quantized ONNX of any size, would take on boards, and what to do where it does not fit.

    In seconds, before any work: layers that the engine does not have, with what to change in PyTorch; cycles, memory
    and frames a second on each board, in brackets where there is no room for them: from an image at the host to its
    result there, with what limits that, and of the engine alone; how small `firelane compress` must make it, or how
    small its input must be. Exit code 0 wherever there are figures, whether or not it fits.
    """
    with display(progress_console(as_json)) as progress:
        found = firelane.estimate(model, *boards, density=density, camera=camera, progress=progress)
    if as_json:
        click.echo(found.to_json())
    else:
        log_console().print(found, crop=False)          # a path may be longer than a line
    write_report(found, report_file, say(progress_console(as_json)))
    return 2 if found.problems else 0
