"""`firelane validate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from firelane.cli.support import work
from firelane.cli.support.options import PATH, port_options
from firelane.cli.support.terminal import display, found_port, progress_console, say_plainly


@click.command()
@click.argument("folder", metavar="DIR", type=PATH)
@port_options
@click.option("--images", type=PATH, help="Folder of images, or one.  [default: 20 held-out digits, or a made image]")
@click.option("--limit", type=click.IntRange(min=1), help="How many images at most.")
@click.option("--model", metavar="NAME|FILE",
              help="The network that DIR was compiled from, by name or as an ONNX file.  [default: the emulator says "
                   "what must come out]")
@click.option("--bitstream", type=PATH,
              help="That the board was programmed with, for its digest.  [default: the one beside DIR, if `firelane "
                   "bitstream` wrote both]")
@click.option("-o", "--output", type=PATH, default=Path("build/validation.json"), show_default=True,
              help="The record.")
def command(folder: Path, port: str, baud: int | None, **options: Any) -> None:
    """Compare every value that a board computes with the integer reference, and write a record of it.

    DIR is what `firelane compile` wrote, and the board must hold it (`firelane load`). It has the program and not the
    network, so the reference needs --model, which must become the very program of DIR; without it the emulator runs
    that program, which is slower. The record, as JSON, has what the board says of itself, digests of program,
    bitstream and images, cycles measured and predicted, the first value that differs, how the line did, and versions:
    no names of files, people or machines. Please send it to us. Ends with exit code 1 if a value differs or the engine
    stops.
    """
    console = progress_console()
    with display(console) as progress:
        found = work.validate(folder, *found_port(port, baud, progress), progress=progress, **options)
    say_plainly(console)(f"{found}\nwritten: {options['output']}")
