"""`firelane die-plot`."""

from __future__ import annotations

from pathlib import Path

import click

from firelane.cli.support import work
from firelane.cli.support.options import PATH
from firelane.compiler.support.outputs import check_file


@click.command(name="die-plot")
@click.argument("folder", type=PATH)
@click.option("-o", "--output", type=PATH, help="PNG.  [default: die.png in FOLDER]")
def command(folder: Path, output: Path | None) -> None:
    """Draw the die of the build in FOLDER: each cell where it was placed, coloured by the part of the engine."""
    if output is not None:
        check_file(output, "-o")
    click.echo(f"written: {work.plot_build(folder, output)}")
