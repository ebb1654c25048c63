"""Plots of what is used of what there is."""

from __future__ import annotations

from collections.abc import Sequence

from plotly.graph_objects import Bar, Figure

from firelane.compiler.fit.report import Usage
from firelane.report.figures.style import BLUE, GRAY, RED, SKY, by_layer

FULL = {"type": "line", "x0": 100, "x1": 100, "y0": 0, "y1": 1, "yref": "paper",
        "line": {"color": GRAY, "width": 2, "dash": "dash"}}       #: where everything is used


def usage(lines: Sequence[Usage]) -> Figure:
    """Shares of what there is: a bar for each line that has something to be compared with."""
    lines = [line for line in lines if line.available]
    names = [line.name for line in lines]
    shares = [100 * line.used / (line.available or 1) for line in lines]
    figure = by_layer(names, "% of what there is", shapes=[FULL], showlegend=False)
    figure.add_trace(Bar(
        y=names, x=shares, orientation="h", width=0.7, marker={"color": [BLUE if line.fits else RED for line in lines]},
        text=[f"{line.used:,} of {line.available:,}" for line in lines], textposition="auto", textangle=0,
        customdata=[[line.used, line.available] for line in lines],
        hovertemplate="%{y}: %{customdata[0]:,} of %{customdata[1]:,}, %{x:.1f} %<extra></extra>"))
    figure.update_xaxes(range=[0, max(105, 1.05 * max(shares, default=0))])
    return figure


def blocks(lines: Sequence[Usage]) -> Figure:
    """Block RAMs by what they are for: the lines that have nothing to be compared with."""
    lines = [line for line in lines if line.available is None and line.name.startswith("EBR: ")]
    names = [line.name.removeprefix("EBR: ") for line in lines]
    figure = by_layer(names, "block RAMs", showlegend=False)
    figure.add_trace(Bar(y=names, x=[line.used for line in lines], orientation="h", width=0.7, marker={"color": SKY},
                         text=[f"{line.used}" for line in lines], textposition="auto", textangle=0,
                         hovertemplate="%{y}: %{x} block RAMs<extra></extra>"))
    return figure
