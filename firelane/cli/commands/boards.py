"""`firelane boards`."""

from __future__ import annotations

import click

import firelane
from firelane.cli.support import work
from firelane.cli.support.options import json_option
from firelane.cli.support.terminal import display, log_console, progress_console
from firelane.cli.support.words import MODEL

SHIPPED = ("digits", "digits-bypass")
PUBLISHED = ("squeezenet1.0", "squeezenet1.1")


@click.command()
@click.argument("more", type=MODEL, nargs=-1, metavar="[MODEL]...")
@json_option
def command(more: tuple[str, ...], as_json: bool) -> None:
    """List the boards: device, engine, clock, serial line, which models fit, and how fast they are with that line.

    The embedded digits, and each MODEL, quantized, are compiled for each board; SqueezeNet v1.0 and v1.1 at 224 x 224,
    with random weights of the densities that were published, are estimated once and kept in build/estimates: what they
    need is what `firelane compress` must make smaller. `firelane estimate` says it of any network, with ways out.
    """
    boards = work.all_boards()
    with display(progress_console(as_json)) as progress:
        networks = [firelane.load(name, progress=progress) for name in (*SHIPPED, *more)]
        found = [*work.fits(boards, [(network.name, network.graph) for network in networks], progress),
                 *work.published_fits(boards, [name for name in PUBLISHED if name not in more], progress)]
    if as_json:
        click.echo(work.to_json(boards, found))
    else:
        log_console().print(work.to_tables(boards, found))
