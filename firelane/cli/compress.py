"""`firelane compress`."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import click

from firelane.cli.engine_options import size_options
from firelane.cli.quantize import METHODS
from firelane.compiler.quantize.calibrated import record_options
from firelane.compiler.support.errors import ConfigError

OBJECTIVES = ("size", "balanced", "cycles")
UNITS = {"": 1, "B": 1, "KB": 1000, "KIB": 1024, "MB": 1_000_000, "MIB": 1 << 20}


@click.command(name="compress")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--calib", "calibration", required=True, type=click.Path(path_type=Path), metavar="IMAGES",
              help="Folder of images without labels, or .npy, as for `firelane quantize`.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The QDQ model to write.")
@click.option("--budget", metavar="SIZE", help="Bytes of the ROM image, e.g. 336KB (1000 bytes a KB) or 300000.")
@click.option("--max-drop", type=click.FloatRange(0, min_open=True), metavar="POINTS",
              help="In place of a budget: the smallest size that loses at most so much expected top-1, e.g. 0.5.")
@click.option("--objective", type=click.Choice(OBJECTIVES), default="balanced", show_default=True,
              help="Whether cycles count beside bytes, and how much.")
@click.option("--sweep", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Compress to several sizes and write size against accuracy against cycles: frontier.png, .csv.")
@click.option("--judge", type=click.Path(path_type=Path), metavar="IMAGES",
              help="For --sweep and --max-drop: images to judge by.  [default: one in five of --calib, left out there]")
@click.option("--labels", type=click.Path(path_type=Path), metavar="FILE",
              help="Classes of the images of --judge, as for `firelane evaluate`: the sweep then shows top-1.")
@click.option("--method", type=click.Choice(METHODS), default="mse", show_default=True,
              help="How the ranges of activations are found, if the model is float.")
@click.option("--images", "limit", type=click.IntRange(1), default=256, show_default=True,
              help="Use so many of the images at most.")
@click.option("--effort", type=click.Choice(["fast", "thorough"]), default="thorough", show_default=True,
              help="How many steps of its weights' grid are tried for each layer.")
@click.option("--mirror/--no-mirror", default=None, help="Take each image mirrored, too.  [default: colour images]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="The same seed gives the same bytes.")
@size_options
@record_options
def compress_command(model: Path, calibration: Path, output: Path | None, budget: str | None, max_drop: float | None,
                     objective: str, sweep: Path | None, judge: Path | None, labels: Path | None, method: str,
                     limit: int, effort: str, mirror: bool | None, seed: int, **options) -> None:
    """Compress MODEL, float or QDQ ONNX, so that its weights, as the engine stores them, fit a budget.

    The result is a standard QDQ graph, and what `firelane compile` makes of it computes exactly the same.
    """
    wanted = [name for name, given in (("--budget", budget), ("--max-drop", max_drop), ("--sweep", sweep))
              if given is not None]
    if len(wanted) != 1:
        raise ConfigError(" and ".join(wanted) or "firelane compress", "one goal is needed",
                          hint="give --budget, --max-drop or --sweep")
    _check_judge(budget, sweep, judge, labels)
    if sweep is None and output is None:
        raise ConfigError("firelane compress", "no file to write", hint="name it with -o")
    size = None if budget is None else parse_size(budget)
    from rich.console import Console

    from firelane.cli.engine_options import engine_config
    from firelane.compiler.compress import run
    from firelane.compiler.support.progress import display
    record = {name: options.pop(name) for name in ("channels", "mean", "scale", "resize")}
    console = Console(stderr=True)
    with display(console) as progress:
        job = run.Job(model, calibration, limit=limit, method=method, record=record, objective=objective,
                      thorough=effort == "thorough", mirror=mirror, seed=seed, judge=judge,
                      labels=labels and partial(labels_of_folder, judge, labels),
                      cfg=engine_config(None, **options), progress=progress)
        if sweep is not None:
            summary = run.sweep(job, sweep)
        else:
            summary = run.compress_file(job, output, budget=size, max_drop=max_drop and max_drop / 100)
    Console().print(summary, highlight=False, soft_wrap=True)


def _check_judge(budget: str | None, sweep: Path | None, judge: Path | None, labels: Path | None) -> None:
    """Refuse what would not be looked at."""
    if judge is not None and budget is not None:
        raise ConfigError("--judge", "nothing is judged with --budget", hint="`firelane evaluate` judges the result")
    if labels is not None and sweep is None:
        raise ConfigError("--labels", "only a sweep shows top-1", hint="leave it out, or give --sweep")
    if labels is not None and judge is None:
        raise ConfigError("--labels", "labels of no images", hint="name the folder of images with --judge")


def labels_of_folder(judge: Path, labels: Path, classes: int) -> tuple[int, ...]:
    """Class of each image in the folder `judge`, in the order in which images are read from it.

    Raises
    ------
    ConfigError
        If it is no folder, or the class of an image is not clear.
    """
    from firelane.compiler.quantize.calibration_images import image_files
    from firelane.sim.evaluate.labels import labels_of
    if not judge.is_dir():
        raise ConfigError("--judge", f"{judge} is no folder", hint="labels belong to image files in a folder")
    return labels_of(image_files(judge), judge, labels, classes)


def parse_size(text: str) -> int:
    """Bytes of e.g. "336KB", "0.3 MiB", "300000".

    Raises
    ------
    ConfigError
        If it is none.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if not found or found[2].upper() not in UNITS or float(found[1]) == 0:
        raise ConfigError("--budget", f"{text!r}",
                          hint="a number of bytes, with B, KB, KiB, MB or MiB behind it or not")
    return int(float(found[1]) * UNITS[found[2].upper()])
