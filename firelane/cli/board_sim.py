"""`firelane board-sim`."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from firelane.boards.top.link_timing import SIMULATED_TIMING
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.progress import Progress, display

UNNAMED = "simulated"
UNNAMED_CLOCK_HZ = 75_000_000       #: what cycles are converted with where no board says better
LEAST_PATIENCE = 2_000_000          #: twice what passes while a host is silent: it is never forgotten for being slow


@click.command(name="board-sim")
@click.argument("model", metavar="DIR|MODEL")
@click.option("--board", "board_name", metavar="NAME", help="Which board it pretends to be, e.g. ulx3s_25f.")
@click.option("--patience", type=click.IntRange(min=LEAST_PATIENCE), default=SIMULATED_TIMING.patience_cycles,
              show_default=True, help="Cycles after which a run that stands still is abandoned (another build).")
def board_sim(model: str, board_name: str | None, patience: int) -> None:
    """Simulate a board with a model in its memories, and offer its serial line as a pseudo-terminal.

    DIR is what `firelane compile` wrote; a MODEL, by name or as an ONNX file, is compiled first. What is simulated, by
    Verilator, is all of the board's top level but PLL and pads. Use the port that is printed with `firelane run` and
    `firelane load`. Its time stands still while they are silent, so no machine is too slow. Ends with Ctrl-C.
    """
    from firelane.boards.simulated.build import build_board
    from firelane.boards.simulated.running import RunningBoard
    from firelane.compiler.artefact.reader import read_model
    console = Console()

    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    with display(console) as progress:
        folder = _compiled_folder(model, board_name, say, progress)
        found = read_model(folder)
        design = replace(_design(found, folder, board_name),
                         timing=replace(SIMULATED_TIMING, patience_cycles=patience))
        built = build_board(design, notify=say, progress=progress)
    running = RunningBoard(built, found.contents)
    signal.signal(signal.SIGTERM, signal.default_int_handler)       # the same end as Ctrl-C
    try:
        with running:
            say(f"board: {built.design.identity.board}, {found.engine.banks} banks; model: {found.graph.name}, "
                f"digest {found.digest:08x} ({folder})")
            say(f"port: {running.port}")
            running.wait()
    except KeyboardInterrupt:
        seconds = running.seconds
        say(f"ended; {running.cycles:,} cycles in {seconds:.1f} s")


def _compiled_folder(model: str, board_name: str | None, say, progress: Progress) -> Path:
    """`model` if it is a folder, else the one it is compiled to."""
    from firelane.cli.engine_options import engine_config
    from firelane.compiler.artefact.artefact import write_artefact
    from firelane.compiler.fit.engine_fit import GROWING, compile_fitting
    from firelane.compiler.onnx_import import load_graph
    from firelane.compiler.support.files import build_root
    from firelane.models.catalogue import NAMES, find
    if Path(model).is_dir():
        return Path(model)
    if model not in NAMES and not Path(model).exists():
        raise ConfigError(model, "there is no such folder, file or network",
                          hint=f"give what `firelane compile` wrote, an ONNX file, or one of {', '.join(NAMES)}")
    path = find(model, progress=progress).path if model in NAMES else Path(model)
    cfg = engine_config(board_name)
    compiled = compile_fitting(load_graph(path), cfg, () if board_name else GROWING, progress)
    folder = build_root() / (f"{path.stem}-{board_name}" if board_name else path.stem)
    write_artefact(compiled, folder)
    say(f"compiled: {folder}")
    return folder


def _design(model, folder: Path, board_name: str | None):
    """What is simulated for a compiled model: the board, or an unnamed one with the engine of the model."""
    from firelane.boards import get_board
    from firelane.boards.host.load import check_engine
    from firelane.boards.simulated.build import Design
    from firelane.boards.top.identity import Identity
    from firelane.boards.top.top import board_identity
    if board_name is None:
        engine = replace(model.engine, trace=False)
        return Design(identity=Identity(board=UNNAMED, clock_hz=UNNAMED_CLOCK_HZ, engine=engine))
    board = get_board(board_name)
    check_engine(str(folder), model.engine, board.engine, board.engine.digest, board=board_name)
    return Design(identity=board_identity(board), result_bytes=board.result_bytes)
