"""`firelane boards`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

import firelane
from firelane.cli.support import work
from firelane.cli.support.terminal import display

SHIPPED = ("digits", "digits-bypass")


@click.command()
@click.option("--model", "more", multiple=True, metavar="NAME|FILE",
              help="Another model to try: a quantized ONNX file, or a name of `firelane simulate`. May be repeated.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(more: tuple[str, ...], as_json: bool) -> None:
    """List the boards: device, engine, clock, serial line, and which models fit."""
    console, boards = Console(stderr=as_json), work.all_boards()
    with display(console) as progress:
        networks = [firelane.load(Path(name), progress=progress) for name in (*SHIPPED, *more)]
        found = work.fits(boards, [(network.name, network.graph) for network in networks], progress)
    if as_json:
        click.echo(work.to_json(boards, found))
    else:
        console.print(work.to_tables(boards, found))
