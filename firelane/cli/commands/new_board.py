"""`firelane new-board`."""

from __future__ import annotations

from pathlib import Path

import click

from firelane.cli.support import work
from firelane.cli.support.options import PATH
from firelane.cli.support.words import KNOWN_BOARD
from firelane.compiler.support.typed_command import typed


@click.command(name="new-board")
@click.argument("name")
@click.option("--from", "model", type=KNOWN_BOARD, required=True, metavar="BOARD",
              help="The board that it is most like, e.g. ulx3s_85f.")
@click.option("-o", "--output", type=PATH, help="The file, which ends in .toml.  [default: NAME.toml]")
def command(name: str, model: str, output: Path | None) -> None:
    """Write the description of a board of your own, called NAME, to be changed in an editor.

    Every command with --board takes the file in place of a name. It is a copy of a board that Firelane has, with a
    comment on each field: device, engine, clock, serial line, and a platform of amaranth-boards or pins.
    """
    file = work.write_board_file(name, work.get_board(model, "--from"), output)
    click.echo(f"written: {file}; change it, then: {typed('compile', 'MODEL', '--board', file)}")
