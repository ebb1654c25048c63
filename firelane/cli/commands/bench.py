"""`firelane bench`: what `make bench` runs."""

from __future__ import annotations

from pathlib import Path

import click

from firelane.cli.support import work
from firelane.cli.support.options import PATH, json_option
from firelane.cli.support.terminal import display, progress_console, say
from firelane.compiler.support.outputs import check_file


@click.command()
@click.option("--only", multiple=True, metavar="NAME", help="Measure this, and keep what is known of the others; "
              "may be repeated. 'none' measures nothing.  [default: everything]")
@json_option
@click.option("-o", "--output", type=PATH, help="The document.  [default: docs/benchmarks.md]")
def command(only: tuple[str, ...], output: Path | None, as_json: bool) -> None:
    """Measure whole frames in Verilator, the speed of the tools and the accuracy, and write docs/benchmarks.md.

    Results are kept in build/bench; the document is made of all that are there, and of the bitstreams in
    build/bitstream. Some minutes for each network.
    """
    if output is not None:
        check_file(output, "-o")
    console = progress_console(as_json)
    with display(console) as progress:
        done = work.run_benchmark(only, output, notify=say(console), progress=progress)
    if as_json:
        click.echo(done.to_json())
        return
    click.echo(f"written: {done.path} ({', '.join(done.measurements) or 'no results yet'})")
