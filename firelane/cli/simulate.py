"""`firelane simulate`: what `make sim` runs. `firelane.cli.main` has its group, and turns errors into exit codes."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from firelane.cli.engine_options import size_options
from firelane.compiler.support.progress import Progress, display

if TYPE_CHECKING:
    from firelane.compiler.program.compiled import Compiled
    from firelane.models.catalogue import Entry

DEFAULT_MODEL = "digits"
LOG_COLUMNS = 120           # where there is no terminal that has a width


@dataclass(frozen=True)
class _Wanted:
    """What the command line says of model and engine."""

    model: str
    input_size: int | None
    board: str | None
    sizes: dict[str, int | None]


@click.command()
@click.option("--model", default=DEFAULT_MODEL, show_default=True, metavar="NAME|FILE",
              help="A network by name, see above, or a quantized ONNX file.")
@click.option("--input-size", type=click.IntRange(min=1), help="Rows and columns of the image.  [default: 224]")
@click.option("--image", "files", type=click.Path(path_type=Path), multiple=True,
              help="Image file; may be repeated.")
@click.option("--images", type=click.IntRange(min=1),
              help="How many, if no --image is given.  [default: 20 digits, 1 for other networks and with --waves]")
@click.option("--labels", type=click.Path(path_type=Path), help="Text file with the name of a class in each line.")
@click.option("--board", help="Whose engine to simulate.  [default: one of 8 banks, its memories as large as needed]")
@size_options
@click.option("--waves", is_flag=True, help="Write waveforms (slow and large; another build of the simulator).")
def simulate(model: str, input_size: int | None, files: tuple[Path, ...], images: int | None, labels: Path | None,
             board: str | None, waves: bool, **sizes: int | None) -> None:
    """Simulate the Verilog of an engine with Verilator, and check every result byte against the reference.

    Networks by name: digits and digits-bypass, which are part of the project; squeezenet1.0,
    squeezenet1.0-torchvision, squeezenet1.1, squeezenet1.0-simple-bypass, squeezenet1.0-complex-bypass and
    light_squeezenet, which are built and quantized first (kept in build/models). Their weights are random, with the
    densities of Deep Compression, unless the published file is found (FIRELANE_DATA).
    """
    from firelane.compiler.support.files import build_root, locked
    from firelane.sim.judge.images import choose_images  # after the options have been understood: these take seconds
    from firelane.sim.judge.report import print_report
    from firelane.sim.judge.session import Session, check_outcome
    from firelane.sim.simulator.build import build
    console = Console(width=None if sys.stdout.isatty() else LOG_COLUMNS)

    def notify(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    with display(console) as progress:
        entry, compiled = _compiled(_Wanted(model, input_size, board, sizes), notify, progress)
        files = files or tuple(entry.photographs[:images or 1])
        chosen = choose_images(compiled.graph, files, images or (1 if waves else None))
        names = _class_names(compiled, labels or entry.labels)
        simulator = build(compiled.cfg, waves=waves, notify=notify, progress=progress)
        session = Session(compiled, simulator, build_root() / "sim" / "last")
        with locked(session.directory):
            report = check_outcome(session, chosen, labels=names, notify=notify, progress=progress)
    console.print(f"image: {chosen.description}", highlight=False, soft_wrap=True)
    print_report(console, report)
    if waves:
        notify(f"waveforms: {session.directory / f'dump.{simulator.waves}'}")


def _compiled(wanted: _Wanted, notify, progress: Progress) -> tuple[Entry, Compiled]:
    """The network and the engine that are wanted; says which they are."""
    from firelane.cli.engine_options import engine_config
    from firelane.compiler.fit.engine_fit import GROWING, compile_fitting
    from firelane.compiler.onnx_import import load_graph
    cfg = replace(engine_config(wanted.board, **wanted.sizes), trace=True)
    entry = _entry(wanted, progress)
    if entry.origin:
        notify(f"model: {entry.path} ({entry.origin})")
    free = () if wanted.board else [name for name in GROWING if wanted.sizes.get(name) is None]
    compiled = compile_fitting(load_graph(entry.path), cfg, free, progress)
    if compiled.cfg != cfg:
        cfg = compiled.cfg
        notify(f"engine: {cfg.banks} banks of {cfg.activation_words:,} words, {cfg.weight_words:,} words of weights, "
               f"{cfg.program_words:,} of program, chosen so that the network fits")
    return entry, compiled


def _entry(wanted: _Wanted, progress: Progress) -> Entry:
    """A network by name, or a file."""
    from firelane.compiler.support.errors import ConfigError
    from firelane.models.catalogue import NAMES, Entry, find
    path = Path(wanted.model)
    if wanted.model in NAMES or not path.exists():
        return find(wanted.model, input_size=wanted.input_size, progress=progress)
    if wanted.input_size is not None:
        raise ConfigError("--input-size", f"{path} has one size only", hint="export it again with another one")
    return Entry(path=path)


def _class_names(compiled: Compiled, file: Path | None) -> tuple[str, ...]:
    """Of the network's classes, if there is a file that has them."""
    from firelane.compiler.frame_io.classes import read_labels
    return read_labels(file, compiled.graph.tensors[compiled.graph.output].channels) if file else ()
