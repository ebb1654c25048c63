"""`firelane run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from firelane.cli.support import work
from firelane.cli.support.options import PATH, json_option, port_options, record_options
from firelane.cli.support.terminal import display, found_port, progress_console, say_plainly


@click.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", type=PATH)
@port_options
@click.option("--compiled", "folder", type=PATH, metavar="DIR",
              help="What `firelane compile` wrote.  [default: found in build/ by the digest that the board names]")
@click.option("--labels", type=PATH, help="Text file with the name of a class in each line.")
@record_options
@json_option
def command(images: tuple[Path, ...], port: str, baud: int | None, folder: Path | None, labels: Path | None,
            as_json: bool, **record: Any) -> None:
    """Have a board classify images: files, or all images in a folder.

    Shows the five best classes, the time that the board computed, and the time that it took to bring the image there
    and the result back. How images become the network's input is recorded in what was compiled; --preset, --channels,
    --mean, --scale and --resize say or change it.
    """
    work.check_given(images, folder)
    console = progress_console(as_json)
    with display(console) as progress:
        work.classify(images, *found_port(port, baud, progress), folder=folder, labels=labels, record=record,
                      as_json=as_json, say=say_plainly(console), progress=progress)
