"""Plots of how a network learnt, and which classes it takes for which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from plotly.graph_objects import Bar, Figure, Heatmap, Scatter

from firelane.compiler.support.fitted_table import shortened
from firelane.compiler.train.curve import Step
from firelane.report.figures.style import BLUE, GREEN, NAME_WIDTH, ORANGE, SCALE, by_layer, new_figure


def curve(steps: Sequence[Step], best: Step, *, share: bool) -> Figure:
    """Loss, or the share of images that are right, step by step."""
    figure = new_figure(340, "step", "images that are right, %" if share else "loss, nats an image")
    numbers = list(range(1, len(steps) + 1))
    for name, colour, learnt in (("learnt from", BLUE, True), ("held out", ORANGE, False)):
        values = [_value(step, share, learnt) for step in steps]
        figure.add_trace(Scatter(
            x=numbers, y=values, name=name, mode="lines+markers", line={"color": colour, "width": 2},
            customdata=[[step.part, step.number, step.strength] for step in steps],
            hovertemplate=f"%{{customdata[0]}}, step %{{customdata[1]}} (%{{customdata[2]:.3g}}): {name} %{{y:.4g}}"
                          "<extra></extra>"))
    place = steps.index(best)
    figure.add_trace(Scatter(x=[place + 1], y=[_value(best, share, False)], name="taken", mode="markers",
                             marker={"color": GREEN, "size": 13, "symbol": "diamond"}, hoverinfo="skip"))
    return figure


def confusion(counts: np.ndarray, names: Sequence[str]) -> Figure:
    """What held-out images show, and what the network says, in % of each class."""
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    short = [shortened(name, NAME_WIDTH) for name in names]
    figure = new_figure(200 + 18 * len(names), "what the network says", "what the image shows")
    ticks = {"tickvals": list(range(len(names))), "ticktext": short, "showgrid": False}
    figure.update_xaxes(ticks)
    figure.update_yaxes({**ticks, "autorange": "reversed"})
    figure.add_trace(Heatmap(z=(100 * counts / totals).round(2).tolist(), colorscale=SCALE, zmin=0, zmax=100,
                             colorbar={"title": "%"}, customdata=counts.tolist(),
                             hovertemplate="%{customdata} of class %{y} taken for %{x} (%{z:.1f} %)<extra></extra>"))
    return figure


def by_class(counts: np.ndarray, names: Sequence[str]) -> Figure:
    """The share of each class that is right, the worst first."""
    shares = 100 * np.diag(counts) / np.maximum(counts.sum(axis=1), 1)
    order = [index for index in np.argsort(shares, kind="stable") if counts[index].sum()]
    figure = by_layer([names[index] for index in order], "held-out images that are right, %", showlegend=False)
    figure.add_trace(Bar(y=[names[index] for index in order], x=[float(shares[index]) for index in order],
                         orientation="h", width=0.7, marker={"color": BLUE},
                         customdata=[int(counts[index].sum()) for index in order],
                         hovertemplate="%{y}: %{x:.1f} % of %{customdata} images<extra></extra>"))
    figure.update_xaxes(range=[0, 103])
    return figure


def _value(step: Step, share: bool, learnt: bool) -> float:
    if share:
        return 100 * (step.learnt_share if learnt else step.held_share)
    return step.learnt_loss if learnt else step.held_loss
