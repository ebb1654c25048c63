"""`firelane explore`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import firelane
from firelane.cli.support import work
from firelane.cli.support.options import PATH, json_option, report_option
from firelane.cli.support.terminal import display, goes_on, log_console, progress_console, say, write_report
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.outputs import check_file

# Option -> axis, how a value is read, values if none are given, and what it is.
AXES: dict[str, tuple[str, Callable[[str], Any], str, str]] = {
    "--squeeze-ratio": ("squeeze_ratio", float, "0.125,0.25,0.5", "SR: squeeze filters for each expand filter."),
    "--pct-3x3": ("pct_3x3", float, "0.5", "Share of the expand filters that are 3x3."),
    "--base": ("base", int, "128", "Expand filters of the first fire module."),
    "--increment": ("increment", int, "128", "And so many more"),
    "--frequency": ("frequency", int, "2", "every so many modules."),
    "--bypass": ("bypass", str, "none", "none, simple, complex."),
    "--pools": ("pools", str, "early,late", "early, as in v1.1; late, as in v1.0."),
    "--stem": ("stem", str, "7x7", "conv1: 7x7 with 96 filters, 3x3 with 64."),
    "--input-size": ("input_size", int, "224", "Rows and columns of the image."),
    "--banks": ("banks", int, "8", "Banks of the engine; 14 multipliers each."),
    "--taps": ("taps", int, "1,2", "Non-zero weights a cycle, 1 or 2."),
    "--activation-words": ("activation_words", int, "1024", "Words of each bank."),
}


def axis_options(command: Callable) -> Callable:
    """An option for each axis: values with commas between."""
    for option, (axis, _, values, text) in reversed(AXES.items()):
        command = click.option(option, axis, default=values, show_default=True, metavar="VALUE[,...]",
                               help=text)(command)
    return command


@click.command()
@axis_options
@click.option("--device", default="LFE5U-85F", show_default=True, help="Where points must have room.")
@click.option("--clock", "clock_mhz", type=float, default=100.0, show_default=True, metavar="MHZ",
              help="For frames a second.")
@click.option("--density", type=float, metavar="D", help="Share of each layer's weights that are not zero.  [default: "
              "Deep Compression's for its kind]")
@click.option("--front", "goals", default="cycles,bytes,words,-weights", show_default=True, metavar="FIGURE[,...]",
              help="What the front is of; a minus: more is better.")
@click.option("--thorough", is_flag=True, help="Look for schedules as long as the compiler does: seconds a point.")
@click.option("--scheduler", metavar="ADDRESS", help="Run on the workers of this Dask scheduler.")
@click.option("--workers", type=click.IntRange(0), metavar="N", help="Processes on this machine, 0 for none but this "
              "one, without Dask.  [default: as many as processors]")
@click.option("-o", "--output", type=PATH, metavar="FILE.csv", help="Write the front there.")
@click.option("--points", type=PATH, metavar="FILE.csv", help="Write all points there, with why they do not fit.")
@json_option
@report_option
def command(output: Path | None, points: Path | None, goals: str, as_json: bool, report_file: Path | None,
            **options: Any) -> None:
    """Explore the Fire family and engines: what each combination would cost, and which nothing beats.

    Every combination of the values of all axes is a point: about a second of work, more where memory is short. Cycles,
    bytes and words are those of the compiler's schedule and code for random weights; no network is trained, and nothing
    is said of accuracy: the number of weights stands for what a network can learn. Points that do not fit say why.
    What is finished is kept in build/explore: after Ctrl-C the same command goes on.
    """
    for option, file in (("-o", output), ("--points", points)):
        if file is not None:
            check_file(file, option)
    axes = {axis: _values(option, options.pop(axis), read) for option, (axis, read, _, _) in AXES.items()}
    with display(progress_console(as_json)) as progress, goes_on():
        found = firelane.explore(axes, goals=goals.split(","), progress=progress, **options)
    if output is not None:
        work.write_file(output, found.to_csv().encode(), "-o")
    if points is not None:
        work.write_file(points, found.to_csv(only_front=False).encode(), "--points")
    if as_json:
        click.echo(found.to_json())
    else:
        log_console().print(found, crop=False)
    write_report(found, report_file, say(progress_console(as_json)))


def _values(option: str, text: str, read: Callable[[str], Any]) -> list[Any]:
    """The values of an axis, from words with commas between."""
    try:
        return [read(word) for word in text.split(",")]
    except ValueError:
        raise ConfigError(option, text, hint="numbers with commas between") from None
