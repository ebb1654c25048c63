"""`firelane simulate`: what `make sim` runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import firelane
from firelane.cli.support import work
from firelane.cli.support.options import (
    DEFAULT_MODEL,
    PATH,
    image_options,
    json_option,
    model_argument,
    named_images,
    record_options,
    report_option,
    size_options,
)
from firelane.cli.support.records import simulation_record
from firelane.cli.support.terminal import (
    display,
    log_console,
    note_overridden,
    print_json,
    progress_console,
    say,
    write_report,
)
from firelane.cli.support.words import BOARD

ALL_WAVES = "all"               #: of `sim.waves.window`


@click.command()
@model_argument(default=DEFAULT_MODEL)
@click.option("--input-size", type=click.IntRange(min=1), help="Rows and columns of the image.  [default: 224]")
@image_options
@click.option("--labels", type=PATH, help="Text file with the name of a class in each line.")
@click.option("--board", type=BOARD, metavar="NAME|FILE",
              help="Whose engine to simulate.  [default: one of 8 banks, its memories as large as needed]")
@size_options
@record_options
@json_option
@click.option("--waves", is_flag=False, flag_value=ALL_WAVES, metavar="[WINDOW]",
              help="Write waveforms of WINDOW (another build of the simulator): frame, a layer, conv1, or one of its "
              "instructions, conv1:3. Without WINDOW, of the whole run: slow and large.")
@report_option
def command(model: str, files: tuple[Path, ...], folder: Path | None, as_json: bool, report_file: Path | None,
            **options: Any) -> None:
    """Simulate the Verilog of an engine with Verilator, and check every result byte against the reference.

    MODEL is quantized ONNX. Networks by name: digits and digits-bypass, which are part of the project; squeezenet1.0,
    squeezenet1.0-torchvision, squeezenet1.1, squeezenet1.0-simple-bypass, squeezenet1.0-complex-bypass and
    light_squeezenet, which are built and quantized first (kept in build/models). Their weights are random, with the
    densities of Deep Compression, unless the published file is found (FIRELANE_DATA). To compare with, none of their
    random weights zero: mobilenet_v1_0.25, _0.5, _0.75, _1.0; mobilenet_v2_0.25, _0.5, _0.75, _1.0;
    shufflenet_v1_0.25, _0.5, _1.0; shufflenet_v2_0.5, _1.0; resnet18; squeezenext_1.0; and alexnet, of which `firelane
    estimate` counts what it would cost, for no engine computes it.

    How image files become the network's input is read from its metadata; --preset, --channels, --mean, --scale and
    --resize say or change it.
    """
    note_overridden(model, options)
    console = progress_console(as_json)
    with display(console) as progress:
        simulation = firelane.simulate(model, images=named_images(files, folder), say=say(console), progress=progress,
                                       **options)
    write_report(simulation, report_file, say(console))
    if as_json:
        print_json("simulate", simulation_record(simulation))
        return
    console = log_console()
    say(console)(f"image: {simulation.images}")
    work.print_report(console, simulation.report)
    if simulation.waves:
        view = simulation.waves.with_suffix(".gtkw")
        say(console)(f"waveforms: {simulation.waves}" + (f"; gtkwave {view}" if view.exists() else ""))
