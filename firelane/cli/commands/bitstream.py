"""`firelane bitstream`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from firelane.cli.support import work
from firelane.cli.support.options import (
    PATH,
    build_options,
    json_option,
    record_options,
    report_option,
    size_options,
    taken_record,
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
from firelane.compiler.support.marker import BUILD
from firelane.compiler.support.outputs import check_folder


@click.command()
@build_options
@size_options
@click.option("--clock", "clock_mhz", type=click.FloatRange(0, min_open=True), metavar="MHZ",
              help="Engine clock, if not the board's usual one.")
@click.option("--seed", type=int, help="Of the placer; the first, if there are several.  [default: the board's]")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True,
              help="How many are tried, as many at a time as there are cores; the first that meets timing wins.")
@click.option("--camera", metavar="NAME", help="A camera feeds the board, which works by itself: ov7670. See "
                                              "docs/camera.md.")
@record_options
@json_option
@report_option
@click.option("-o", "--output", type=PATH, help="Folder; build/bitstream/... if not given.")
def command(board_name: str, model: str, clock_mhz: float | None, seed: int | None, seeds: int,
            camera: str | None, output: Path | None, as_json: bool, report_file: Path | None, **options: Any) -> None:
    """Build a bitstream: MODEL in the memories of the board's engine, behind the board's serial line.

    With --camera the board looks for itself, and says what it sees: `firelane watch` shows it.

    How images become its input is read from its metadata; --preset, --channels, --mean, --scale and --resize say or
    change it. `firelane run` finds it in what is written.

    A build that is interrupted goes on where it was: what Yosys, the placer and the router have finished stays in
    build/stages until there is a bitstream.
    """
    if output is not None:
        check_folder(output, BUILD, "-o")
    note_overridden(model, options)
    record = taken_record(options)
    usual, console = work.get_board(board_name), progress_console(as_json)
    board = usual.with_engine(work.chosen_engine(board_name, **options), clock_mhz and clock_mhz * 1e6)
    first = board.seed if seed is None else seed
    with goes_on(), display(console) as progress:
        built = work.build_model(board, model, output, seeds=range(first, first + seeds), say=say(console),
                                 record=record, camera=camera, progress=progress)
    write_report(work.Bitstream(built.board, built.compiled, built.build.folder), report_file, say(console))
    if as_json:
        click.echo(built.to_json())
        return
    log_console().print(built.table)
    for line in built.lines:
        click.echo(line)
