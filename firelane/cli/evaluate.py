"""`firelane evaluate`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from firelane.compiler.quantize.calibrated import record_options
from firelane.compiler.support.errors import ConfigError

if TYPE_CHECKING:
    from firelane.sim.evaluate.plan import Plan
    from firelane.sim.evaluate.result import Evaluation

LOG_COLUMNS = 120                      # where there is no terminal that has a width


@click.command(name="evaluate")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--images", "folder", required=True, type=click.Path(path_type=Path), metavar="DIR",
              help="Folder of images, or of folders of them, one for each class.")
@click.option("--labels", type=click.Path(path_type=Path), metavar="FILE",
              help="List of images, `name index` in each line; or list of classes in their order: then image names "
              "begin with the index, or folders have the name, of their class.")
@click.option("--float", "float_model", type=click.Path(path_type=Path), metavar="FILE",
              help="Compare with this float model: agreement, divergence, noise of each layer.")
@click.option("--derive-float", is_flag=True,
              help="Compare with MODEL itself without quantization of activations; weights stay as they are.")
@click.option("--reference/--no-reference", default=None,
              help="Run the integer reference.  [default: if MODEL is quantized]")
@click.option("--onnxruntime", is_flag=True, help="Run MODEL in ONNX Runtime as well (float models always do).")
@click.option("--limit", type=click.IntRange(1), help="Use so many of the images at most, evenly spread.")
@click.option("--scheduler", metavar="ADDRESS", help="Run on the workers of this Dask scheduler.")
@click.option("--workers", type=click.IntRange(0), metavar="N",
              help="Processes on this machine, 0 for none but this one.  [default: as many as processors]")
@click.option("--json", "output", type=click.Path(path_type=Path), metavar="FILE", help="Write the result there.")
@record_options
def evaluate_command(model: Path, folder: Path, labels: Path | None, float_model: Path | None, derive_float: bool,
                     reference: bool | None, onnxruntime: bool, limit: int | None, scheduler: str | None,
                     workers: int | None, output: Path | None, **record) -> None:
    """Measure MODEL, an ONNX file, on a set of images: accuracy, and what is left of the float network.

    How images become the input of a float model is read from its metadata; --channels, --mean, --scale and --resize
    say or change it. A quantized model says so itself.
    """
    from firelane.compiler.support.files import write_file
    from firelane.compiler.support.progress import display
    from firelane.sim.evaluate.plan import DERIVED, plan
    from firelane.sim.evaluate.report import print_evaluation
    if float_model is not None and derive_float:
        raise ConfigError("--derive-float", f"{float_model} is given as well", hint="leave out one of them")
    if output is not None and output.is_dir():
        raise ConfigError("--json", f"{output} is a folder", hint="name a file")
    planned = plan(model, float_model=DERIVED if derive_float else float_model, reference=reference,
                   onnxruntime=onnxruntime, record=record)
    with display(Console(stderr=True)) as progress:
        evaluation, seconds = _run(planned, folder, labels, limit, scheduler, workers, progress)
    console = Console(width=None if sys.stdout.isatty() else LOG_COLUMNS)
    print_evaluation(console, evaluation)
    console.print(f"{evaluation.images / seconds:.1f} images/s", highlight=False)
    if output is not None:
        write_file(output, evaluation.to_json().encode(), "--json")
        console.print(f"written: {output}", highlight=False, soft_wrap=True)


def _run(planned: Plan, folder: Path, labels: Path | None, limit: int | None, scheduler: str | None,
         workers: int | None, progress) -> tuple[Evaluation, float]:
    """The evaluation, and the seconds that it took, start of workers not counted."""
    from firelane.sim.evaluate import pool
    from firelane.sim.evaluate.driver import carry_out
    from firelane.sim.evaluate.image_folder import find_images, pixels_of
    from firelane.sim.evaluate.labels import labels_of
    files = find_images(folder)
    classes = labels_of(files, folder, labels, planned.classes)
    chosen = range(len(files)) if limit is None or limit >= len(files) else [
        index * len(files) // limit for index in range(limit)]
    images = pixels_of([files[index] for index in chosen], planned.shape, planned.resize)
    images[0]                                            # what is wrong with all of them is known at once
    with pool.workers(workers, scheduler) as spread:
        began = time.monotonic()
        evaluation = carry_out(planned, images, labels=classes and [classes[index] for index in chosen], pool=spread,
                               progress=progress)
        return evaluation, time.monotonic() - began

