"""`firelane patch`."""

from __future__ import annotations

from pathlib import Path

import click

from firelane.cli.support import work
from firelane.cli.support.options import PATH


@click.command()
@click.argument("config", type=PATH)
@click.argument("model", metavar="DIR", type=PATH)
@click.option("-o", "--output", type=PATH, required=True, help="Bitstream to write.")
def command(config: Path, model: Path, output: Path) -> None:
    """Put the model that `firelane compile` wrote to DIR into a finished design, in seconds.

    CONFIG is the top.config of a build of `firelane bitstream`. Program, weights and tables are replaced, the bitstream
    is packed and unpacked again, and every word of it compared with DIR.
    """
    patched = work.patch(config, model, output)
    click.echo(f"{patched.words:,} words of the model, read back from the bitstream: all as compiled")
    click.echo(f"written: {patched.bitstream}")
    click.echo(f"sha256: {patched.sha256}")
