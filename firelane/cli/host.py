"""`firelane run`, `firelane load` and `firelane board-sim`: all that talks over a serial line."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from firelane.cli.board_sim import board_sim
from firelane.compiler.support.progress import display

BAUD = 3_000_000


def port_options(command):
    """Where the board is."""
    baud = click.option("--baud", type=int, default=BAUD, show_default=True, help="Of the board's serial line.")
    port = click.option("--port", required=True, metavar="NAME", help="Serial port, e.g. /dev/ttyUSB0.")
    return port(baud(command))


@click.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", type=click.Path(path_type=Path))
@port_options
@click.option("--model", "folder", type=click.Path(path_type=Path),
              help="What `firelane compile` wrote.  [default: found in build/ by the digest that the board names]")
@click.option("--labels", type=click.Path(path_type=Path), help="Text file with the name of a class in each line.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")
def run(images: tuple[Path, ...], port: str, baud: int, folder: Path | None, labels: Path | None,
        as_json: bool) -> None:
    """Have a board classify images: files, or all images in a folder.

    Shows the five best classes, the time that the board computed, and the time that it took to bring the image there
    and the result back.
    """
    from firelane.boards.host.run import Session, image_files, run_images
    console = _progress_console(as_json)
    files = image_files(images)
    with display(console) as progress:
        with Session.open(port, baud, folder, labels) as session:
            run_images(session, files, as_json=as_json, say=_say(console), progress=progress)


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@port_options
def load(folder: Path, port: str, baud: int) -> None:
    """Put the model that `firelane compile` wrote to DIR into a running board.

    The board checks what arrived, by CRC, before it is the model; until then there is none.
    """
    from firelane.boards.host.run import load_model
    console = _progress_console()
    with display(console) as progress:
        summary = load_model(folder, port, baud, progress)
    _say(console)(summary)


def _progress_console(as_json: bool = False) -> Console:
    """Where progress is shown: not among results that a program reads."""
    return Console(stderr=as_json or not sys.stdout.isatty())


def _say(console: Console):
    """Results go to standard output, past the bars that a terminal shows."""
    if console.stderr:
        return click.echo
    return lambda line: console.print(line, highlight=False, soft_wrap=True, markup=False)


host_commands = (run, load, board_sim)
