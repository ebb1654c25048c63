"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from firelane.cli.support import work
from firelane.cli.support.words import BOARD, FOLDER, MODEL, PORT
from firelane.compiler.fit.engine_sizes import SIZES
from firelane.compiler.tiles.larger_engine import size_option

Function = TypeVar("Function", bound=Callable)
PATH = click.Path(path_type=Path)
DEFAULT_MODEL = "digits"        #: of the commands that need not be given one
RECORD = ("preset", "channels", "mean", "scale", "resize")
PRESETS = ("imagenet", "torchvision", "caffe", "gray", "raw")       #: `compiler.frame_io.presets.PRESETS`
OBJECTIVES = ("size", "balanced", "cycles")     #: `compiler.compress.compressor.Objective`
EFFORTS = ("fast", "thorough")
METHODS = ("minmax", "mse", "percentile")       #: `compiler.quantize.calibration.Method`


def size_options(command: Function) -> Function:
    """Sizes that differ from the board's engine, or from the default one."""
    for name, text in reversed(SIZES.items()):
        command = click.option(size_option(name), name, type=int, help=text)(command)
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


def json_option(command: Function) -> Function:
    """--json: the result for programs, on standard output and alone there."""
    return click.option("--json", "as_json", is_flag=True,
                        help="Print the result as JSON, see `firelane schema`.")(command)


def method_option(command: Function) -> Function:
    """--method: how float activations get their ranges."""
    return click.option("--method", type=click.Choice(METHODS), default="mse", show_default=True,
                        help="How the ranges of activations are found, if the model is float.")(command)


def search_options(command: Function) -> Function:
    """--objective and --effort: what compression looks for, and how long."""
    objective = click.option("--objective", type=click.Choice(OBJECTIVES), default="balanced", show_default=True,
                             help="Whether cycles count beside bytes where it is compressed, and how much.")
    effort = click.option("--effort", type=click.Choice(EFFORTS), default="thorough", show_default=True,
                          help="How many steps of its weights' grid are tried for each layer.")
    return objective(effort(command))


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
    port = click.option("--port", type=PORT, required=True, metavar="NAME",
                        help="Serial port, e.g. /dev/ttyUSB0; auto: the only one that has a board, see `firelane "
                             "devices`.")
    return port(baud_option(command))


def baud_option(command: Function) -> Function:
    """The rate of a board's serial line."""
    return click.option("--baud", type=click.IntRange(min=1),
                        help="Of the board's serial line.  [default: 3000000; where boards are looked for, each rate "
                             "that one has]")(command)


def model_argument(*, default: str | None = None) -> Callable[[Function], Function]:
    """MODEL, a file or a known name; what a command takes if none is given, where that is possible."""
    if default is None:
        return click.argument("model", type=MODEL)
    return click.argument("model", type=MODEL, required=False, default=default)


def build_options(command: Function) -> Function:
    """Which bitstream: a model, and a board."""
    board = click.option("--board", "board_name", type=BOARD, required=True, metavar="NAME|FILE",
                         help="E.g. ulx3s_85f, or a file of `firelane new-board`.")
    return model_argument(default=DEFAULT_MODEL)(board(command))


def image_options(command: Function) -> Function:
    """--image, --images and --limit: pictures by name, a folder of them, and how many at most."""
    options = [
        click.option("--image", "files", type=PATH, multiple=True, metavar="FILE", help="A picture; may be repeated."),
        click.option("--images", "folder", type=FOLDER, metavar="DIR", help="A folder of pictures."),
        click.option("--limit", type=click.IntRange(min=1), metavar="N", help="So many pictures at most.  [default: "
                     "all that are named; else 20 drawn digits, or 1 for other networks]"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def named_images(files: tuple[Path, ...], folder: Path | None) -> list[Path] | None:
    """The files and folders of `image_options`; None if none are named."""
    return [*files, *([folder] if folder else [])] or None


def limit_option(command: Function) -> Function:
    """--limit: how many of the pictures that a network is calibrated with are used."""
    return click.option("--limit", type=click.IntRange(1), default=256, show_default=True, metavar="N",
                        help="Use so many of the images at most.")(command)
