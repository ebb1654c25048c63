"""An evaluation for people."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from firelane.compiler.compress.quality import share_error
from firelane.compiler.support.counted import counted
from firelane.compiler.support.fitted_table import Column, FittedTable
from firelane.sim.evaluate.job import FLOAT, ONNXRUNTIME, REFERENCE
from firelane.sim.evaluate.result import Evaluation, Score

NAMES = {REFERENCE: "integer reference", ONNXRUNTIME: "ONNX Runtime", FLOAT: "float"}
RUN_COLUMNS = (         # what is left out first where there is no room has the largest number
    Column("run"), Column("top-1, %"), Column("top-5, %", drop=2), Column("like float, %"),
    Column("expected loss, points"), Column("KL, nats", drop=3), Column("lost", drop=4), Column("gained", drop=4),
    Column("tied", drop=5))
LAYER_COLUMNS = (Column("layer", names=True), Column("signal to noise, dB"), Column("float tensor", names=True, drop=1))


def print_evaluation(console: Console, evaluation: Evaluation) -> None:
    """Tables of the runs and, where they were compared, of the layers."""
    console.print(Text(f"{evaluation.network}, {counted(evaluation.images, 'image')}"), soft_wrap=True)
    console.print(_runs(evaluation))
    if evaluation.float_graph:
        console.print(Text(f"float: {evaluation.float_graph}"), soft_wrap=True)
    if evaluation.layers:
        console.print(_layers(evaluation))


def share(value: float | None, images: int) -> str:
    """A share in percent with its standard error, that of a share of independent images.

    >>> share(0.71, 100)
    '71.00 ± 4.52'
    """
    return "" if value is None else _with_error(value, share_error(value, images))


def _with_error(value: float, error: float) -> str:
    """Both in percent."""
    return f"{100 * value:.2f} ± {100 * error:.2f}"


def _runs(evaluation: Evaluation) -> FittedTable:
    labelled = any(score.top1 is not None for score in evaluation.scores)
    return FittedTable("", RUN_COLUMNS, [_run(score, evaluation.images, labelled) for score in evaluation.scores])


def _run(score: Score, images: int, labelled: bool) -> tuple[str, ...]:
    """A row; the loss is estimated where labels do not say it."""
    estimated = not labelled and score.expected_loss is not None and score.loss_error is not None
    return (NAMES[score.run], share(score.top1, images), share(score.top5, images), share(score.agreement, images),
            _with_error(score.expected_loss or 0.0, score.loss_error or 0.0) if estimated else "",
            "" if score.divergence is None else f"{score.divergence:.5f}",
            "" if score.lost is None else f"{score.lost:,}", "" if score.gained is None else f"{score.gained:,}",
            f"{score.tied:,}")


def _layers(evaluation: Evaluation) -> FittedTable:
    return FittedTable("", LAYER_COLUMNS, [
        (layer.node or "input", "no noise" if layer.snr_db is None else f"{layer.snr_db:.2f}", layer.original)
        for layer in evaluation.layers])
