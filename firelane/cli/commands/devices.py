"""`firelane devices`."""

from __future__ import annotations

import click

from firelane.cli.support import work
from firelane.cli.support.options import baud_option, json_option
from firelane.cli.support.terminal import display, log_console, progress_console
from firelane.cli.support.words import PORT


@click.command()
@click.option("--port", "ports", type=PORT, multiple=True, metavar="NAME",
              help="Only this one; may be repeated.  [default: all]")
@baud_option
@json_option
def command(ports: tuple[str, ...], baud: int | None, as_json: bool) -> None:
    """Find boards: ask what is at each serial port, real or of a simulated board.

    Each port is opened and is sent IDENTIFY, a frame of 10 bytes that other devices may not expect: --port names the
    ports that are asked. A port that cannot be opened says why, and one where nothing answers is listed as such. A
    model is named if it was compiled in build/.
    """
    with display(progress_console(as_json)) as progress:
        devices = work.find_devices(ports, baud, progress)
    names = work.model_names(devices)
    if as_json:
        click.echo(work.devices_to_json(devices, names))
    else:
        log_console().print(work.devices_to_table(devices, names), highlight=False)
