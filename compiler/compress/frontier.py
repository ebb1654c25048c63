"""The results of a sweep as a table and as a drawing: size against accuracy, size against cycles.

The published points are those of SqueezeNet v1.0 with Deep Compression in table 2 of Iandola et al., "SqueezeNet:
AlexNet-level accuracy with 50x fewer parameters and < 0.5 MB model size" (arXiv 1602.07360): neither loses top-1
against the float network, both were trained again. They are sizes of files, biases included; ours are of ROM images.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from firelane.compiler.compress.frontier_row import FrontierRow
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.files import write_file

__all__ = ["PUBLISHED", "best_rows", "csv_text", "png_bytes", "write_frontier"]

PUBLISHED = (("Deep Compression, 8 bit", 660_000), ("Deep Compression, 6 bit", 470_000))       # bytes; nothing lost
LABELS_AT_MOST = 12                    # more of them would hide the points
INCHES, DPI = (7.2, 3.4), 200          # two columns of a printed page
OURS, OTHERS, FAINT = "#0b4f8a", "#9a3b00", "#b0b0b0"     # dark enough to differ in gray as well
STYLE: dict[Any, Any] = {       # by matplotlib's names
    "font.size": 8, "font.family": "DejaVu Sans", "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.5, "axes.axisbelow": True}


def write_frontier(rows: Sequence[FrontierRow], csv_path: str | Path, png_path: str | Path, *,
                   float_top1: float | None = None) -> None:
    """Table and drawing of `rows`; each file is written whole or not at all.

    Parameters
    ----------
    float_top1 : of the float network on the same images, which is where the published points are drawn

    Raises
    ------
    FirelaneError
        If there are no rows, or a file cannot be written.
    """
    drawing = png_bytes(rows, float_top1)
    write_file(csv_path, csv_text(rows).encode(), "-o")
    write_file(png_path, drawing, "-o")


def csv_text(rows: Sequence[FrontierRow]) -> str:
    """A line for each row, from the smallest; what is not known is empty."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(field.name for field in fields(FrontierRow))
    table.writerows(astuple(row) for row in _sorted(rows))
    return text.getvalue()


def best_rows(rows: Sequence[FrontierRow], measure: str) -> list[FrontierRow]:
    """The rows that have more of `measure` ("top1" or "agreement") than all smaller ones, from the smallest on."""
    best: list[FrontierRow] = []
    for row in _sorted(rows):
        value = getattr(row, measure)
        if value is not None and (not best or value > getattr(best[-1], measure)):
            if best and best[-1].size == row.size:
                best.pop()
            best.append(row)
    return best


def png_bytes(rows: Sequence[FrontierRow], float_top1: float | None = None) -> bytes:
    """The drawing; the same bytes for the same rows. Accuracy is top-1 if all rows have it, else agreement."""
    if not rows:
        raise ConfigError("sweep", "nothing was reached", hint="a larger budget, or one more step")
    with rc_context(STYLE):
        figure = Figure(figsize=INCHES, dpi=DPI, layout="constrained")
        accuracy, cycles = figure.subplots(1, 2)
        measure = "top1" if all(row.top1 is not None for row in rows) else "agreement"
        _draw_accuracy(accuracy, rows, measure, float_top1)
        _draw_cycles(cycles, rows)
        for axes in (accuracy, cycles):
            _draw_sizes(axes)
        figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=7)
        file = io.BytesIO()
        FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    return file.getvalue()


def _draw_accuracy(axes: Axes, rows: Sequence[FrontierRow], measure: str, float_top1: float | None) -> None:
    known = [row for row in rows if getattr(row, measure) is not None]
    best = best_rows(known, measure)
    percent = {id(row): 100 * getattr(row, measure) for row in known}
    axes.plot([_kilobytes(row.size) for row in known], [percent[id(row)] for row in known], "o", color=OURS,
              markersize=4, label="Firelane")
    axes.step([_kilobytes(row.size) for row in best], [percent[id(row)] for row in best], where="post", color=OURS,
              linewidth=1)
    _name(axes, [(row.label, _kilobytes(row.size), percent[id(row)]) for row in known])
    if measure == "top1" and float_top1 is not None:
        axes.axhline(100 * float_top1, color=FAINT, linewidth=0.8, linestyle="--", label="float")
        axes.plot([_kilobytes(size) for _, size in PUBLISHED], [100 * float_top1] * len(PUBLISHED), "s", color=OTHERS,
                  markerfacecolor="none", markersize=5, label="published, trained again")
    axes.set_ylabel("top-1, %" if measure == "top1" else "same class as the float network, %")


def _draw_cycles(axes: Axes, rows: Sequence[FrontierRow]) -> None:
    points = [(row.label, _kilobytes(row.size), row.cycles / 1e6) for row in rows]
    axes.plot([x for _, x, _ in points], [y for _, _, y in points], "o", color=OURS, markersize=4)
    _name(axes, points)
    axes.set_ylabel("million cycles a frame")


def _draw_sizes(axes: Axes) -> None:
    """The published sizes as lines, with their names along them."""
    for name, size in PUBLISHED:
        axes.axvline(_kilobytes(size), color=OTHERS, linewidth=0.6, linestyle=":")
        axes.annotate(name, (_kilobytes(size), 0.03), xycoords=("data", "axes fraction"), xytext=(-2, 0), rotation=90,
                      textcoords="offset points", ha="right", va="bottom", fontsize=6, color=OTHERS)
    axes.set_xlabel("weight ROM, kB (1000 bytes)")
    axes.margins(0.08)


def _name(axes: Axes, points: Sequence[tuple[str, float, float]]) -> None:
    """Labels beside the points, as long as there is room for them."""
    for label, x, y in points if len(points) <= LABELS_AT_MOST else ():
        axes.annotate(label, (x, y), xytext=(3, 3), textcoords="offset points", fontsize=6)


def _kilobytes(size: int) -> float:
    return size / 1000


def _sorted(rows: Sequence[FrontierRow]) -> list[FrontierRow]:
    return sorted(rows, key=lambda row: (row.size, row.cycles, row.label))
