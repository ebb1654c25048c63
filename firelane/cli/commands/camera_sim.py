"""`firelane camera-sim`."""

from __future__ import annotations

from pathlib import Path

import click

from firelane.cli.support import work
from firelane.cli.support.options import DEFAULT_MODEL, PATH, model_argument
from firelane.cli.support.terminal import display, progress_console, say, say_plainly
from firelane.cli.support.words import BOARD


@click.command()
@model_argument(default=DEFAULT_MODEL)
@click.option("--board", "board_name", type=BOARD, default="ulx3s_25f", show_default=True, metavar="NAME|FILE",
              help="Whose engine, clock and pins.")
@click.option("--camera", default="ov7670", show_default=True, metavar="NAME", help="Which camera.")
@click.option("--image", "images", type=PATH, multiple=True, metavar="FILE",
              help="A picture; may be repeated.  [default: a drawn digit, or a made image]")
def command(model: str, board_name: str, camera: str, images: tuple[Path, ...]) -> None:
    """Show pictures to a camera in front of a board that looks for itself, in Verilator; check every answer.

    The pictures go, as a camera of 320 x 240 pixels would send them, edge by edge, through the gateware that `firelane
    bitstream --camera` builds, without PLL and pads; its answers are read from the bits of its serial line and compared
    with the reference. Exit code 1 if one differs.
    """
    console = progress_console()
    with display(console) as progress:
        work.show_pictures(model, board_name, camera, images, say=say_plainly(console), note=say(console),
                           progress=progress)
