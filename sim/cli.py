"""`firelane simulate`: what `make sim` runs. `compiler.cli` has its group, and turns errors into exit codes."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from boards.cli import DEFAULT_MODEL
from compiler.engine_options import size_options

DEFAULT_IMAGES = 20
LOG_COLUMNS = 120           # where there is no terminal that has a width


@click.command()
@click.option("--model", type=click.Path(path_type=Path), default=DEFAULT_MODEL, show_default="the embedded digits",
              help="quantized ONNX model")
@click.option("--image", "files", type=click.Path(path_type=Path), multiple=True,
              help="image file of the network's size; may be repeated")
@click.option("--images", type=click.IntRange(min=1), show_default=f"{DEFAULT_IMAGES}, with --waves 1",
              help="held-out digits to simulate, if the network takes digits and no --image is given")
@click.option("--board", help="whose engine to simulate  [default: one of 8 banks]")
@size_options
@click.option("--waves", is_flag=True, help="write waveforms (slow and large; another build of the simulator)")
def simulate(model: Path, files: tuple[Path, ...], images: int | None, board: str | None, waves: bool,
             **sizes: int | None) -> None:
    """Simulate the Verilog of an engine with Verilator, and check every result byte against the reference."""
    from compiler.compile import compile_model          # after the options have been understood: these take seconds
    from sim.images import choose_images
    from sim.report import print_report
    from sim.session import Session, check_outcome, engine_config
    from sim.verilator import build, build_root, locked
    console = Console(width=None if sys.stdout.isatty() else LOG_COLUMNS)
    cfg = engine_config(board, **sizes)
    with _progress(console) as progress:
        task = progress.add_task("compiling the network", total=None)

        def notify(text: str) -> None:
            progress.console.print(text)

        compiled = compile_model(model, cfg)
        chosen = choose_images(compiled.graph, files, images or (1 if waves else DEFAULT_IMAGES))
        progress.update(task, description="building the simulator")
        simulator = build(cfg, waves=waves, notify=notify)
        progress.update(task, description=f"simulating {chosen.description}", total=len(chosen), completed=0)
        session = Session(compiled, simulator, build_root() / "sim" / "last")
        with locked(session.directory):
            report = check_outcome(session, chosen, notify=notify,
                                   progress=lambda done: progress.update(task, completed=done))
    print_report(console, report)
    if waves:
        console.print(f"waveforms: {session.directory / f'dump.{simulator.waves}'}", soft_wrap=True)


def _progress(console: Console) -> Progress:
    return Progress(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                    TimeElapsedColumn(), console=console, transient=True)
