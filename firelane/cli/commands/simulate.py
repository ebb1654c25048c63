"""`firelane simulate`: what `make sim` runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import firelane
from firelane.cli.support import work
from firelane.cli.support.options import PATH, record_options, size_options
from firelane.cli.support.terminal import display, log_console, note_overridden, say

DEFAULT_MODEL = "digits"


@click.command()
@click.option("--model", default=DEFAULT_MODEL, show_default=True, metavar="NAME|FILE",
              help="A network by name, see above, or a quantized ONNX file.")
@click.option("--input-size", type=click.IntRange(min=1), help="Rows and columns of the image.  [default: 224]")
@click.option("--image", "files", type=PATH, multiple=True, help="Image file; may be repeated.")
@click.option("--images", "count", type=click.IntRange(min=1),
              help="How many, if no --image is given.  [default: 20 digits, 1 for other networks and with --waves]")
@click.option("--labels", type=PATH, help="Text file with the name of a class in each line.")
@click.option("--board", metavar="NAME|FILE",
              help="Whose engine to simulate.  [default: one of 8 banks, its memories as large as needed]")
@size_options
@record_options
@click.option("--waves", is_flag=True, help="Write waveforms (slow and large; another build of the simulator).")
def command(model: str, files: tuple[Path, ...], count: int | None, **options: Any) -> None:
    """Simulate the Verilog of an engine with Verilator, and check every result byte against the reference.

    Networks by name: digits and digits-bypass, which are part of the project; squeezenet1.0,
    squeezenet1.0-torchvision, squeezenet1.1, squeezenet1.0-simple-bypass, squeezenet1.0-complex-bypass and
    light_squeezenet, which are built and quantized first (kept in build/models). Their weights are random, with the
    densities of Deep Compression, unless the published file is found (FIRELANE_DATA).

    How image files become the network's input is read from its metadata; --preset, --channels, --mean, --scale and
    --resize say or change it.
    """
    note_overridden(model, options)
    console = log_console()
    with display(console) as progress:
        simulation = firelane.simulate(model, images=files or count, say=say(console), progress=progress, **options)
    say(console)(f"image: {simulation.images}")
    work.print_report(console, simulation.report)
    if simulation.waves:
        say(console)(f"waveforms: {simulation.waves}")
