"""`firelane boards`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from firelane.boards import all_boards

SHIPPED = ("digits", "digits-bypass")


@click.command(name="boards")
@click.option("--model", "more", multiple=True, metavar="NAME|FILE",
              help="Another model to try: a quantized ONNX file, or a name of `firelane simulate`. May be repeated.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def boards_command(more: tuple[str, ...], as_json: bool) -> None:
    """List the boards: device, engine, clock, serial line, and which models fit."""
    from firelane.boards.report.board_fit import fits
    from firelane.boards.report.board_list import to_json, to_tables
    from firelane.compiler.onnx_import import load_graph
    from firelane.compiler.support.progress import display
    from firelane.models.catalogue import NAMES, find
    console = Console(stderr=as_json)
    with display(console) as progress:
        paths = [(name, find(name, progress=progress).path if name in NAMES else Path(name))
                 for name in (*SHIPPED, *more)]
        found = fits(all_boards(), [(name, load_graph(path)) for name, path in paths], progress)
    if as_json:
        click.echo(to_json(all_boards(), found))
    else:
        console.print(to_tables(all_boards(), found))
