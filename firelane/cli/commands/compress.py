"""`firelane compress`."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console

import firelane
from firelane.cli.support import work
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
    size_options,
    taken_record,
)
from firelane.cli.support.records import compressed_record
from firelane.cli.support.terminal import display, note_overridden, print_json, say, write_report
from firelane.cli.support.words import BOARD
from firelane.compiler.fit.engine_sizes import SIZES
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.marker import SWEEP
from firelane.compiler.support.outputs import check_file, check_folder

UNITS = {"": 1, "B": 1, "KB": 1000, "KIB": 1024, "MB": 1_000_000, "MIB": 1 << 20}


@click.command()
@model_argument()
@click.option("--calib", "calibration", required=True, type=PATH, metavar="IMAGES",
              help="Folder of images without labels, or of folders of them, or .npy, as for `firelane "
              "quantize`.")
@click.option("-o", "--output", type=PATH, help="The QDQ model to write; with --sweep, a folder.")
@click.option("--budget", metavar="SIZE", help="Bytes of the ROM image, e.g. 336KB (1000 bytes a KB) or 300000.")
@click.option("--max-drop", type=click.FloatRange(0, min_open=True), metavar="POINTS",
              help="In place of a budget: the smallest size that loses at most so much expected top-1, e.g. 0.5.")
@click.option("--board", type=BOARD, metavar="NAME|FILE",
              help="In place of a budget: all that the engine of this board holds, e.g. ulx3s_85f; the result compiles "
              "for it.")
@click.option("--sweep", is_flag=True,
              help="Compress to several sizes and write size against accuracy against cycles: frontier.png, .csv.")
@click.option("--judge", type=PATH, metavar="IMAGES",
              help="Images to judge the result by.  [default: one in five of --calib, left out for that]")
@click.option("--labels", type=PATH, metavar="FILE",
              help="Classes of the images of --judge, as for `firelane evaluate`: the sweep then shows top-1.")
@method_option
@limit_option
@search_options
@click.option("--mirror/--no-mirror", default=None, help="Take each image mirrored, too.  [default: colour images]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="The same seed gives the same bytes.")
@size_options
@record_options
@check_option
@json_option
@report_option
def command(model: str, calibration: Path, output: Path | None, budget: str | None, max_drop: float | None,
            board: str | None, sweep: bool, judge: Path | None, labels: Path | None, effort: str,
            as_json: bool, report_file: Path | None, **options: Any) -> None:
    """Compress MODEL, float or QDQ ONNX, so that its weights, as the engine stores them, fit a budget.

    The result is a standard QDQ graph, and what `firelane compile` makes of it computes exactly the same. How images
    become its input is read from its metadata; --preset, --channels, --mean, --scale and --resize say or change it. It
    is recorded in the result.

    It ends with the expected loss of top-1 and its standard error, found on images that were not compressed with; no
    labels are needed. Fewer than 50 images are warned about.
    """
    _check_goal(budget, max_drop, board, sweep)
    if sweep and as_json:
        raise ConfigError("--json", "a sweep writes its figures to frontier.csv", hint="leave it out")
    _check_labels(sweep, judge, labels)
    if sweep and report_file is not None:
        raise ConfigError("--report", "a sweep draws its sizes in frontier.png", hint="leave out one of them")
    place = _place(model, output, sweep)
    size = None if budget is None else parse_size(budget)
    note_overridden(model, options)
    console = Console(stderr=True)
    with display(console) as progress:
        options |= {"thorough": effort == "thorough", "judge": judge, "progress": progress,
                    "say": say(console)}
        if sweep:
            options.pop("check")                         # a sweep writes no network
            summary = work.sweep(_sweep_job(model, calibration, labels, options), place)
        else:
            compressed = firelane.compress(model, calibration, budget=size, max_drop=max_drop and max_drop / 100,
                                           board=board, **options)
            checked = "" if compressed.agreement is None else f"{compressed.agreement}\n"
            summary = f"{compressed}\n{checked}written: {compressed.save(place)}"
            write_report(compressed, report_file, say(console))
    if as_json:
        print_json("compress", compressed_record(compressed, place))
    else:
        click.echo(summary)


def _sweep_job(model: str, calibration: Path, labels: Path | None, options: dict[str, Any]) -> Any:
    """What a sweep compresses; labels are of the images in the folder `judge`."""
    record = taken_record(options)
    cfg = work.chosen_engine(None, **{name: options.pop(name) for name in SIZES})
    named = None if labels is None else partial(work.labels_of_folder, options["judge"], labels, "--judge")
    return work.Job(work.model_file(model, options["progress"]), calibration, record=record, cfg=cfg, labels=named,
                    **options)


def _check_goal(budget: str | None, max_drop: float | None, board: str | None, sweep: bool) -> None:
    """Refuse no goal, and several."""
    wanted = [name for name, given in (("--budget", budget), ("--max-drop", max_drop), ("--board", board),
                                       ("--sweep", sweep or None)) if given is not None]
    if len(wanted) != 1:
        raise ConfigError(" and ".join(wanted) or "firelane compress", "one goal is needed",
                          hint="give --budget, --max-drop, --board or --sweep")


def _place(model: str, output: Path | None, sweep: bool) -> Path:
    """The file or folder to write; what cannot be written is refused before it takes hours to find out."""
    if output is None:
        raise ConfigError("firelane compress", f"no {'folder' if sweep else 'file'} to write", hint="name it with -o")
    if sweep:
        check_folder(output, SWEEP, "-o")
    else:
        check_file(output, "-o", inputs=(Path(model),))
    return output


def _check_labels(sweep: bool, judge: Path | None, labels: Path | None) -> None:
    """Refuse what would not be looked at."""
    if labels is not None and not sweep:
        raise ConfigError("--labels", "only a sweep shows top-1", hint="leave it out, or give --sweep")
    if labels is not None and judge is None:
        raise ConfigError("--labels", "labels of no images", hint="name the folder of images with --judge")


def parse_size(text: str) -> int:
    """Bytes of e.g. "336KB", "0.3 MiB", "300000".

    Raises
    ------
    ConfigError
        If it is none.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if not found or found[2].upper() not in UNITS or float(found[1]) == 0:
        raise ConfigError("--budget", f"{text!r}",
                          hint="a number of bytes, with B, KB, KiB, MB or MiB behind it or not")
    return int(float(found[1]) * UNITS[found[2].upper()])
