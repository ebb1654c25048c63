"""`firelane validate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from firelane.cli.support import work
from firelane.cli.support.options import (
    PATH,
    image_options,
    json_option,
    named_images,
    port_options,
    record_options,
    taken_record,
)
from firelane.cli.support.terminal import display, found_port, print_json, progress_console, say_plainly
from firelane.cli.support.words import MODEL
from firelane.compiler.support.errors import MismatchError
from firelane.compiler.support.outputs import check_file


@click.command()
@click.argument("compiled", metavar="DIR", type=PATH)
@click.argument("model", type=MODEL, required=False)
@port_options
@image_options
@record_options
@json_option
@click.option("--bitstream", type=PATH,
              help="That the board was programmed with, for its digest.  [default: the one beside DIR, if `firelane "
                   "bitstream` wrote both]")
@click.option("-o", "--output", type=PATH, default=Path("build/validation.json"), show_default=True,
              help="The record.")
def command(compiled: Path, port: str, baud: int | None, files: tuple[Path, ...], folder: Path | None,
            as_json: bool, **options: Any) -> None:
    """Compare every value that a board computes with the integer reference, and write a record of it.

    DIR is what `firelane compile` wrote, and the board must hold it (`firelane load`). It has the program and not the
    network, so the reference needs MODEL, which must become the very program of DIR; without it the emulator runs
    that program, which is slower. The record, as JSON, has what the board says of itself, digests of program,
    bitstream and images, cycles measured and predicted, the first value that differs, how the line did, and versions:
    no names of files, people or machines. Please send it to us. Ends with exit code 1 if a value differs or the engine
    stops.
    """
    check_file(options["output"], "-o")
    work.check_given(named_images(files, folder), compiled)
    console, output, record = progress_console(as_json), options["output"], taken_record(options)
    try:
        with display(console) as progress:
            found = work.validate(compiled, *found_port(port, baud, progress), progress=progress,
                                  images=named_images(files, folder), record=record, **options)
    except MismatchError:               # the record has been written
        if as_json:
            print_json("validate", json.loads(output.read_text()))
        raise
    if as_json:
        print_json("validate", json.loads(output.read_text()))
    else:
        say_plainly(console)(f"{found}\nwritten: {output}")
