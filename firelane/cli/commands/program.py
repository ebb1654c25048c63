"""`firelane program`."""

from __future__ import annotations

from pathlib import Path

import click

from firelane.cli.support import work
from firelane.cli.support.options import PATH, build_options


@click.command()
@build_options
@click.option("--bitstream", "file", type=PATH, help="If not the one of `firelane bitstream`.")
def command(board_name: str, model: str, file: Path | None) -> None:
    """Send the bitstream of MODEL to the connected board (openFPGALoader)."""
    board = work.get_board(board_name)
    work.program(board, file or work.bitstream_file(board, model), say=click.echo)
