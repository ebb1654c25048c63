"""`firelane board-sim`."""

from __future__ import annotations

import signal
from typing import Any

import click
from rich.console import Console

from firelane.cli.support import work
from firelane.cli.support.options import record_options
from firelane.cli.support.terminal import display, note_overridden, say
from firelane.cli.support.words import BOARD, MODEL

PATIENCE = 30_000_000               #: `boards.top.link_timing.SIMULATED_TIMING`'s
LEAST_PATIENCE = 2_000_000          #: twice what passes while a host is silent: it is never forgotten for being slow


@click.command(name="board-sim")
@click.argument("model", type=MODEL, metavar="DIR|MODEL")
@click.option("--board", "board_name", type=BOARD, metavar="NAME|FILE",
              help="Which board it pretends to be, e.g. ulx3s_25f.")
@click.option("--patience", type=click.IntRange(min=LEAST_PATIENCE), default=PATIENCE,
              show_default=True, help="Cycles after which a run that stands still is abandoned (another build).")
@record_options
def command(model: str, board_name: str | None, patience: int, **options: Any) -> None:
    """Simulate a board with a model in its memories, and offer its serial line as a pseudo-terminal.

    DIR is what `firelane compile` wrote; a MODEL is compiled first, and --preset,
    --channels, --mean, --scale and --resize say how images become its input. What is simulated, by Verilator, is all of
    the board's top level but PLL, pads and UART. Use the port that is printed with `firelane run` and `firelane load`.
    Its time stands still while they are silent, so no machine is too slow. Ends with Ctrl-C.
    """
    console = Console()
    notify = say(console)
    if not work.is_compiled(model):
        note_overridden(model, options)
    with display(console) as progress:
        board = work.build_model_board(model, board_name, record=options, patience=patience, notify=notify,
                                       progress=progress)
    running = board.start()
    signal.signal(signal.SIGTERM, signal.default_int_handler)       # the same end as Ctrl-C
    try:
        with running:
            notify(str(board))
            notify(f"port: {running.port}")
            running.wait()
    except KeyboardInterrupt:
        seconds = running.seconds
        notify(f"ended; {running.cycles:,} cycles in {seconds:.1f} s")
