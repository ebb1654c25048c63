"""`firelane load`."""

from __future__ import annotations

from pathlib import Path

import click

from firelane.cli.support import work
from firelane.cli.support.options import PATH, port_options
from firelane.cli.support.terminal import display, found_port, progress_console, say_plainly


@click.command()
@click.argument("folder", metavar="DIR", type=PATH)
@port_options
def command(folder: Path, port: str, baud: int | None) -> None:
    """Put the model that `firelane compile` wrote to DIR into a running board.

    The board checks what arrived, by CRC, before it is the model; until then there is none.
    """
    work.check_given(folder=folder)
    console = progress_console()
    with display(console) as progress:
        summary = work.load_model(folder, *found_port(port, baud, progress), progress)
    say_plainly(console)(summary)
