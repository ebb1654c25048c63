"""`firelane vivado-project`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from firelane.cli.support import work
from firelane.cli.support.options import DEFAULT_MODEL, PATH, model_argument
from firelane.cli.support.terminal import say
from firelane.cli.support.words import BOARD
from firelane.compiler.support.marker import PROJECT
from firelane.compiler.support.outputs import check_folder


@click.command(name="vivado-project")
@model_argument(default=DEFAULT_MODEL)
@click.option("--board", "board_name", type=BOARD, required=True, metavar="NAME|FILE",
              help="A board with an AMD device: arty_a7_100, or a file of `firelane new-board`.")
@click.option("-o", "--output", type=PATH, help="Folder; build/vivado/... if not given.")
def command(model: str, board_name: str, output: Path | None) -> None:
    """Write the Vivado project of MODEL, quantized ONNX, on a board, and count what it needs with Yosys."""
    if output is not None:
        check_folder(output, PROJECT, "-o")
    board, console = work.get_board(board_name), Console()
    project = work.write_model_project(board, model, output, say=say(console))
    console.print(work.table(project, board, title=f"{work.short_name(model)} on {board.description}: Yosys' count"))
    for line in (f"written: {project.folder}", f"next: cd {project.folder} && vivado -mode batch -source top.tcl"):
        say(console)(line)
