"""`firelane bench`: what `make bench` runs. `firelane.cli.main` has its group, and turns errors into exit codes."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from firelane.compiler.support.progress import Progress, display

LOG_COLUMNS = 120           # where there is no terminal that has a width
NOTHING = "none"


@click.command()
@click.option("--only", multiple=True, metavar="NAME", help="Measure this, and keep what is known of the others; "
              "may be repeated. 'none' measures nothing.  [default: everything]")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The document.  [default: docs/benchmarks.md]")
def bench(only: tuple[str, ...], output: Path | None) -> None:
    """Measure whole frames in Verilator, the speed of the tools and the accuracy, and write docs/benchmarks.md.

    Results are kept in build/bench; the document is made of all that are there, and of the bitstreams in
    build/bitstream. Some minutes for each network.
    """
    from firelane.sim.benchmark.builds import load_builds
    from firelane.sim.benchmark.cases import chosen  # after the options have been understood: these take seconds
    from firelane.sim.benchmark.document import DOCUMENT, render
    from firelane.sim.benchmark.records import load_all
    console = Console(width=None if sys.stdout.isatty() else LOG_COLUMNS)
    names = () if only == (NOTHING,) else chosen(only)
    for name in names:
        with display(console) as progress:
            _measure(name, console, progress)
    path, known = output or DOCUMENT, load_all()
    _write(path, render(known, load_builds()))
    console.print(f"written: {path} ({', '.join(known) or 'no results yet'})", highlight=False, soft_wrap=True)


def _measure(name: str, console: Console, progress: Progress) -> None:
    from firelane.sim.benchmark.accuracy import measure_accuracy
    from firelane.sim.benchmark.cases import ACCURACY, CASES
    from firelane.sim.benchmark.frame import measure_frame
    from firelane.sim.benchmark.records import store

    def notify(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    notify(f"measuring {name}")
    if name != ACCURACY:
        case = next(case for case in CASES if case.network == name)
        store(name, measure_frame(case, notify=notify, progress=progress))
        return
    record = measure_accuracy(progress=progress)
    if record is None:
        notify("no accuracy: there are no published weights and photographs (FIRELANE_DATA)")
    else:
        store(name, record)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.fresh")
    fresh.write_text(text)
    fresh.rename(path)
