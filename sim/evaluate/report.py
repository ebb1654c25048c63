"""An evaluation for people."""

from __future__ import annotations

import math

from rich.console import Console
from rich.text import Text

from firelane.compiler.support.plain_table import PlainTable
from firelane.sim.evaluate.job import FLOAT, ONNXRUNTIME, REFERENCE
from firelane.sim.evaluate.result import Evaluation, Score

NAMES = {REFERENCE: "integer reference", ONNXRUNTIME: "ONNX Runtime", FLOAT: "float"}


def print_evaluation(console: Console, evaluation: Evaluation) -> None:
    """Tables of the runs and, where they were compared, of the layers."""
    console.print(Text(f"{evaluation.network}, {evaluation.images} images"), soft_wrap=True)
    console.print(_runs(evaluation))
    if evaluation.float_graph:
        console.print(Text(f"float: {evaluation.float_graph}"), soft_wrap=True)
    if evaluation.layers:
        console.print(_layers(evaluation))


def share(value: float | None, images: int) -> str:
    """A share with its standard error, that of a share of independent images.

    >>> share(0.71, 100)
    '71.00 % ± 4.54'
    """
    if value is None:
        return ""
    return f"{100 * value:.2f} % ± {100 * math.sqrt(value * (1 - value) / images):.2f}"


def _runs(evaluation: Evaluation) -> PlainTable:
    compared, labelled = bool(evaluation.float_graph), any(score.top1 is not None for score in evaluation.scores)
    table = PlainTable(box=None, header_style="bold", pad_edge=False)
    table.add_column("run")
    columns = (["top-1", "top-5"] if labelled else []) + (["like float", "KL, nats"] if compared else [])
    estimated = not labelled and any(score.expected_loss is not None for score in evaluation.scores)
    columns += ["expected loss"] if estimated else []
    columns += (["lost", "gained"] if labelled and compared else []) + ["tied"]
    for name in columns:
        table.add_column(name, justify="right")
    for score in evaluation.scores:
        cells = _cells(score, evaluation.images)
        table.add_row(NAMES[score.run], *(cells[name] for name in columns))
    return table


def _cells(score: Score, images: int) -> dict[str, str]:
    return {"top-1": share(score.top1, images), "top-5": share(score.top5, images),
            "like float": share(score.agreement, images),
            "KL, nats": "" if score.divergence is None else f"{score.divergence:.5f}",
            "expected loss": "" if score.expected_loss is None or score.loss_error is None else (
                f"{100 * score.expected_loss:.2f} ± {100 * score.loss_error:.2f} points"),
            "lost": "" if score.lost is None else str(score.lost),
            "gained": "" if score.gained is None else str(score.gained), "tied": str(score.tied)}


def _layers(evaluation: Evaluation) -> PlainTable:
    table = PlainTable(box=None, header_style="bold", pad_edge=False)
    table.add_column("layer")
    table.add_column("float tensor")
    table.add_column("signal to noise, dB", justify="right")
    for layer in evaluation.layers:
        ratio = "no noise" if layer.snr_db is None else f"{layer.snr_db:.2f}"
        table.add_row(layer.node or "input", layer.original, ratio)
    return table
