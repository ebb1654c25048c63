"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from firelane.cli.support import work
from firelane.compiler.fit.engine_sizes import SIZES
from firelane.compiler.tiles.larger_engine import size_option

Function = TypeVar("Function", bound=Callable)
PATH = click.Path(path_type=Path)
RECORD = ("preset", "channels", "mean", "scale", "resize")
PRESETS = ("imagenet", "torchvision", "caffe", "gray", "raw")       #: `compiler.frame_io.presets.PRESETS`
METHODS = ("minmax", "mse", "percentile")       #: `compiler.quantize.calibration.Method`


def size_options(command: Function) -> Function:
    """Sizes that differ from the board's engine, or from the default one."""
    for name, text in reversed(SIZES.items()):
        command = click.option(size_option(name), type=int, help=text)(command)
    return command


def record_options(command: Function) -> Function:
    """--preset, --channels, --mean, --scale and --resize: how images become the input of a model."""
    options = [
        click.option("--preset", type=click.Choice(PRESETS),
                     help="The four below by the name of what a network was trained with; they count before it."),
        click.option("--channels", type=click.Choice(["gray", "RGB", "BGR"]), help="How the network takes channels."),
        click.option("--mean", metavar="M[,M,M]", help="Subtracted from pixels 0..255, in the order of the channels."),
        click.option("--scale", metavar="S[,S,S]",
                     help="Pixels are multiplied by it after that, e.g. 0.00392 for 1/255."),
        click.option("--resize", type=int, help="Shorter side of an image before its centre is cut out."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def taken_record(options: dict[str, Any]) -> dict[str, Any]:
    """The values of `record_options`, taken out of all options."""
    return {name: options.pop(name) for name in RECORD}


def check_option(command: Function) -> Function:
    """--no-check: what is made is not held against ONNX Runtime."""
    return click.option("--check/--no-check", default=True, show_default=True,
                        help="Compare the result with ONNX Runtime on what was given. Without it nobody notices if "
                             "this model is understood wrongly.")(command)


def report_option(command: Function) -> Function:
    """--report: what was found, as a page to look at. Whether it can be written is asked before any work."""
    return click.option("--report", "report_file", type=PATH, metavar="FILE.html", callback=_writable_report,
                        help="Write a report with plots: one file, for any browser (pip install 'firelane[report]')."
                        )(command)


def _writable_report(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    if value is not None and not context.resilient_parsing:
        work.check_report(value)
    return value


def port_options(command: Function) -> Function:
    """Where a board is."""
    port = click.option("--port", required=True, metavar="NAME",
                        help="Serial port, e.g. /dev/ttyUSB0; auto: the only one that has a board, see `firelane "
                             "devices`.")
    return port(baud_option(command))


def baud_option(command: Function) -> Function:
    """The rate of a board's serial line."""
    return click.option("--baud", type=click.IntRange(min=1),
                        help="Of the board's serial line.  [default: 3000000; where boards are looked for, each rate "
                             "that one has]")(command)


def build_options(command: Function) -> Function:
    """Which bitstream: a board and a model."""
    board = click.option("--board", "board_name", required=True, metavar="NAME|FILE",
                         help="E.g. ulx3s_85f, or a file of `firelane new-board`.")
    model = click.option("--model", type=PATH, show_default="digits", help="Quantized ONNX file.")
    return board(model(command))
