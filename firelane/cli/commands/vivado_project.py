"""`firelane vivado-project`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from firelane.cli.support import work
from firelane.cli.support.options import DEFAULT_MODEL, PATH, json_option, model_argument
from firelane.cli.support.terminal import log_console, progress_console, say
from firelane.cli.support.words import BOARD
from firelane.compiler.support.marker import PROJECT
from firelane.compiler.support.outputs import check_folder


@click.command(name="vivado-project")
@model_argument(default=DEFAULT_MODEL)
@click.option("--board", "board_name", type=BOARD, required=True, metavar="NAME|FILE",
              help="A board with an AMD device: arty_a7_100, or a file of `firelane new-board`.")
@json_option
@click.option("-o", "--output", type=PATH, help="Folder; build/vivado/... if not given.")
def command(model: str, board_name: str, output: Path | None, as_json: bool) -> None:
    """Write the Vivado project of MODEL, quantized ONNX, on a board, and count what it needs with Yosys."""
    if output is not None:
        check_folder(output, PROJECT, "-o")
    board, console = work.get_board(board_name), progress_console(as_json)
    project = work.write_model_project(board, model, output, say=say(console))
    name = work.short_name(model)
    if as_json:
        click.echo(work.project_json(project, board, name))
        return
    log_console().print(work.table(project, board, title=f"{name} on {board.description}: Yosys' count"))
    click.echo(f"written: {project.folder}")
    click.echo(f"next: cd {shlex.quote(str(project.folder))} && vivado -mode batch -source top.tcl")
