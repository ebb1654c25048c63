"""`firelane doctor`."""

from __future__ import annotations

import click

from firelane.cli.support import work
from firelane.cli.support.options import json_option
from firelane.cli.support.terminal import log_console


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Check what this machine has of what Firelane needs, and say what to do about the rest.

    Each line is ok; or missing, which is in the way of `make sim`; or optional, which waveforms, bitstreams or boards
    need: compiler, Python's shared library and packages, disk, memory, headers, openFPGALoader, groups and udev rules.
    Ends with exit code 2 if anything is missing. Nothing is changed.
    """
    items = work.check(work.Machine())
    if as_json:
        click.echo(work.items_to_json(items))
    else:
        log_console().print(work.items_to_table(items))
    work.require(items)
