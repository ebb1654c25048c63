"""`firelane compile`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import firelane
from firelane.cli.support import work
from firelane.cli.support.options import (
    PATH,
    check_option,
    json_option,
    model_argument,
    record_options,
    report_option,
    size_options,
)
from firelane.cli.support.records import compiled_record
from firelane.cli.support.terminal import (
    display,
    log_console,
    note_overridden,
    print_json,
    progress_console,
    say,
    write_report,
)
from firelane.cli.support.words import BOARD
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.marker import COMPILED
from firelane.compiler.support.outputs import check_folder


@click.command()
@model_argument()
@click.option("--board", type=BOARD, metavar="NAME|FILE",
              help="A board, e.g. ulx3s_85f, or a file of `firelane new-board`: its engine and its clock.")
@size_options
@click.option("--clock", "clock_mhz", type=click.FloatRange(0, min_open=True), metavar="MHZ",
              help="Clock for frames per second.")
@click.option("-o", "--output", type=PATH, help="Folder to write: build/<model> if not given.")
@record_options
@check_option
@report_option
@json_option
def command(model: str, board: str | None, clock_mhz: float | None, output: Path | None,
            report_file: Path | None, as_json: bool, **options: Any) -> None:
    """Compile MODEL, quantized ONNX, for an engine, and report what fits.

    How images become its input is read from its metadata; --preset, --channels, --mean, --scale and --resize say or
    change it. `firelane run` finds it in what is written.

    Exit code 2, and nothing is written but what --report names, where the board has no room for the engine.
    """
    folder = output or Path("build") / work.short_name(model)
    check_folder(folder, COMPILED, "-o")
    note_overridden(model, options)
    console = progress_console(as_json)
    with display(console) as progress:
        compiled = firelane.compile(model, board, clock_hz=clock_mhz and clock_mhz * 1e6, progress=progress,
                                    **options)
    written = folder if compiled.fits else None
    if written:
        compiled.save(written)
    if as_json:
        print_json("compile", compiled_record(compiled, written))
    else:
        _show(compiled, written)
    write_report(compiled, report_file, say(console))
    if not compiled.fits:
        too_many = ", ".join(line.name for line in compiled.usage if not line.fits)
        raise ConfigError(str(board), f"the engine needs more than the board has of {too_many}; nothing is written",
                          hint="a smaller engine, or a larger board")


def _show(compiled: firelane.CompiledNetwork, written: Path | None) -> None:
    console = log_console()
    console.print(compiled)
    if compiled.agreement is not None:
        say(console)(str(compiled.agreement))
    if written:
        say(console)(f"written: {written}")
