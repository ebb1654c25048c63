"""`firelane train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import firelane
from firelane.cli.support.options import PATH, json_option, record_options, report_option
from firelane.cli.support.terminal import display, goes_on, progress_console, say, say_plainly, write_report
from firelane.cli.support.words import MODEL
from firelane.compiler.support.outputs import check_file

LAYERS = ("last", "all")        #: `firelane.api.train.LAYERS`


@click.command()
@click.argument("folder", type=PATH)
@click.option("--from", "start", type=MODEL, required=True, metavar="MODEL",
              help="What to begin with: float ONNX, a .pth of torchvision's squeezenet1_0 or squeezenet1_1, digits, or "
              "squeezenet1.0 where its published weights are.")
@click.option("-o", "--output", type=PATH, required=True, help="The float ONNX model to write.")
@click.option("--layers", type=click.Choice(LAYERS), default="last", show_default=True,
              help="What learns: a new last layer, in minutes; or all layers after that, in PyTorch.")
@click.option("--valid", type=PATH, metavar="FOLDER",
              help="Held-out images, by class like FOLDER.  [default: one in five of FOLDER]")
@click.option("--held-out", type=click.FloatRange(0, 0.9, min_open=True), metavar="SHARE",
              help="Share of each class that is held out, without --valid.  [default: 0.2]")
@click.option("--views", type=click.IntRange(1), default=3, show_default=True, metavar="N",
              help="Fit the last layer to each image and N - 1 that are moved, turned and lit otherwise.")
@click.option("--mirror/--no-mirror", default=None, help="Mirror half of the views.  [default: colour images]")
@click.option("--epochs", type=click.IntRange(1), metavar="N", help="With --layers all: at most so many.  "
              "[default: 30]")
@click.option("--patience", type=click.IntRange(1), metavar="N",
              help="With --layers all: end after so many epochs without anything better.  [default: 6]")
@click.option("--rate", type=click.FloatRange(0, min_open=True), metavar="R",
              help="With --layers all: the highest learning rate.  [default: 0.0003]")
@click.option("--batch", type=click.IntRange(1), metavar="N",
              help="With --layers all: images in a step.  [default: 32]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="Of split, views and order: the same seed gives the same bytes.")
@click.option("--input-size", type=click.IntRange(1), metavar="N",
              help="Rows and columns of the images, if --from is a name or a .pth.  [default: 224]")
@record_options
@json_option
@report_option
def command(folder: Path, start: str, output: Path, as_json: bool, report_file: Path | None, **options: Any) -> None:
    """Learn your own classes from FOLDER: a folder of images for each, or a list, `image<tab>class` in each line.

    The result is float ONNX, with the names of the classes and the preprocessing of its input inside: `firelane build`,
    `quantize` and `compress` take it, and boards answer with these names. Layers before the last stay as they are,
    unless all are to learn. What is finished is kept in build/train: after Ctrl-C the same command goes on.
    """
    inputs = tuple(Path(path) for path in (folder, start, options["valid"]) if path is not None)
    check_file(output, "-o", inputs=inputs)
    console = progress_console(as_json)
    with display(console) as progress, goes_on():
        trained = firelane.train(folder, start, say=say(console), progress=progress, **options)
        trained.save(output)
    write_report(trained, report_file, say(console))
    if as_json:
        click.echo(trained.to_json(output))
    else:
        say_plainly(console)(f"{trained}\nwritten: {output}")
