"""`firelane patch`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="patch")
@click.argument("config", type=click.Path(path_type=Path))
@click.argument("model", metavar="DIR", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Bitstream to write.")
def patch_command(config: Path, model: Path, output: Path) -> None:
    """Put the model that `firelane compile` wrote to DIR into a finished design, in seconds.

    CONFIG is the top.config of a build of `firelane bitstream`. Program, weights and tables are replaced, the bitstream
    is packed and unpacked again, and every word of it compared with DIR.
    """
    from firelane.boards.flow.patch import patch
    patched = patch(config, model, output)
    click.echo(f"{patched.words} words of the model, read back from the bitstream: all as compiled")
    click.echo(f"written: {patched.bitstream}")
    click.echo(f"sha256: {patched.sha256}")
