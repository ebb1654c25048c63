"""`firelane demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from firelane.cli.support import work
from firelane.cli.support.options import PATH, baud_option, record_options
from firelane.cli.support.terminal import display, say
from firelane.cli.support.words import BOARD, MODEL, PORT


@click.command()
@click.argument("model", type=MODEL, metavar="[DIR|MODEL]", required=False)
@click.option("--port", type=PORT, metavar="NAME",
              help="Where a board is, e.g. /dev/ttyUSB0; auto: the only one.  [default: one is simulated]")
@baud_option
@click.option("--board", type=BOARD, metavar="NAME|FILE",
              help="Which board the simulated one pretends to be, e.g. ulx3s_25f.")
@click.option("--labels", type=PATH, help="Text file with the name of a class in each line.")
@click.option("--http-port", type=click.IntRange(0, 65535), default=0, metavar="N",
              help="Port of the page.  [default: any that is free]")
@click.option("--open", "open_browser", is_flag=True, help="Open the page in a browser.")
@record_options
def command(model: str | None, port: str | None, baud: int | None, board: str | None, labels: Path | None,
            http_port: int, open_browser: bool, **record: Any) -> None:
    """Serve a page on this machine that shows pictures to a board, simulated or real.

    Pictures are dropped on the page, chosen, or come from a webcam; the answer has the five best classes, cycles, and
    the layer that runs. DIR is what `firelane compile` wrote; a MODEL, by name or as an ONNX file, is compiled first.
    Without --port a board is simulated, with `digits` if no MODEL is given; with it, the board's own model is used.
    Only browsers of this machine are answered. Ends with Ctrl-C.
    """
    console = Console()
    with display(console) as progress:
        page = work.demo(model, port=port, baud=baud, board=board, labels=labels, record=record, http_port=http_port,
                         say=say(console), progress=progress)
    page.serve(open_browser=open_browser, say=say(console))
