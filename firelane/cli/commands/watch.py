"""`firelane watch`."""

from __future__ import annotations

from typing import Any

import click
from rich.live import Live
from rich.text import Text

from firelane.cli.support import work
from firelane.cli.support.options import PATH, baud_option, json_option
from firelane.cli.support.terminal import display, found_camera, log_console, progress_console
from firelane.cli.support.words import PORT


@click.command()
@click.option("--port", type=PORT, required=True, metavar="NAME",
              help="Serial port, e.g. /dev/ttyUSB0; auto: the only one where such a board is heard.")
@baud_option
@click.option("--compiled", "folder", type=PATH, metavar="DIR",
              help="What `firelane compile` wrote.  [default: found in build/ by the digest that the board names]")
@click.option("--labels", type=PATH, help="Text file with the name of a class in each line.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many answers.  [default: Ctrl-C]")
@json_option
def command(port: str, baud: int | None, as_json: bool, **options: Any) -> None:
    """Show what a board with a camera sees: the five best classes of each picture.

    The board is one whose bitstream was made with --camera; it works by itself, and this command only listens. Frames a
    second are counted here, the latency (from the last row of a picture to its answer) by the board. On a terminal the
    last answer is shown; elsewhere, and with --json, each has a line.
    """
    with display(progress_console(as_json)) as progress:
        port, rate = found_camera(port, baud, progress)
    console = log_console()
    if as_json or not console.is_terminal:
        work.watch(port, rate, show=lambda sight: click.echo(sight.to_json() if as_json else str(sight)),
                   note=lambda line: click.echo(line, err=True), **options)
        return
    with Live(Text("waiting for the board"), console=console, auto_refresh=False) as live:
        work.watch(port, rate, show=lambda sight: live.update(Text(str(sight)), refresh=True),
                   note=lambda line: live.update(Text(line), refresh=True), **options)
