"""Plots of how often values occur: weights, and activations of images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from plotly.graph_objects import Bar, Figure, Heatmap

from firelane.compiler.fit.weight_levels import LOWEST, WeightLevels
from firelane.report.figures.style import BLUE, ORANGE, SCALE, by_layer, logarithmic, new_figure
from firelane.sim.activation_levels import ActivationLevels
from firelane.sim.judge.layer_cycles import whole_name

DECADES = (-3, 2)       #: of shares in percent that have colours of their own


def levels(layers: Sequence[WeightLevels]) -> Figure:
    """How often each weight other than zero occurs, in all layers together."""
    counts = sum((layer.counts for layer in layers), np.zeros(256, np.int64))
    shown = np.flatnonzero(counts)
    shown = shown[shown != -LOWEST]
    figure = new_figure(300, "weight (int8)", "weights", showlegend=False, bargap=0)
    figure.add_trace(Bar(x=(shown + LOWEST).tolist(), y=counts[shown].tolist(), width=1,
                         marker={"color": BLUE, "line": {"width": 0}},
                         hovertemplate="%{x}: %{y:,} weights<extra></extra>"))
    figure.update_yaxes(logarithmic(0.5, 2 * max(counts[shown].tolist(), default=1)))
    figure.update_xaxes(range=[LOWEST - 1, -LOWEST])
    return figure


def levels_by_layer(layers: Sequence[WeightLevels]) -> Figure:
    """The share of each weight among those of its layer that are not zero, as a colour."""
    together = whole(layers)
    rows = []
    for layer in together:
        counts = layer.counts.astype(float)
        counts[-LOWEST] = 0
        rows.append(100 * counts / max(layer.nonzero, 1))
    return _heat([layer.layer for layer in together], rows, LOWEST, "weight (int8)", "weights other than zero")


def whole(layers: Sequence[WeightLevels]) -> list[WeightLevels]:
    """The parts of a layer together."""
    found: dict[str, WeightLevels] = {}
    for layer in layers:
        name = whole_name(layer.layer)
        before = found.get(name, WeightLevels(name, np.zeros_like(layer.counts), 0))
        found[name] = WeightLevels(name, before.counts + layer.counts, before.channels + layer.channels)
    return list(found.values())


def clipped(names: Sequence[str], shares: Sequence[float], what: str) -> Figure:
    """The share of values at the end of their range, by layer."""
    figure = by_layer(names, f"% of {what}", showlegend=False)
    figure.add_trace(Bar(y=list(names), x=[100 * share for share in shares], orientation="h", width=0.7,
                         marker={"color": ORANGE}, hovertemplate="%{y}: %{x:.3f} %<extra></extra>"))
    figure.update_xaxes(rangemode="tozero")
    return figure


def activations(layers: Sequence[ActivationLevels]) -> Figure:
    """The share of each stored value in each map, as a colour."""
    return _heat([layer.node for layer in layers], [100 * layer.counts / layer.counts.sum() for layer in layers], 0,
                 "stored value (uint8)", "values of the map")


def _heat(names: Sequence[str], rows: Sequence[np.ndarray], first: int, x: str, of: str) -> Figure:
    """A map of shares in percent: a row for each layer, a column for each value from `first` on."""
    figure = by_layer(names, x)
    shares = [[None if share == 0 else share for share in np.round(row, 5).tolist()] for row in rows]
    logarithms = [[None if share is None else max(float(np.log10(share)), DECADES[0]) for share in row]
                  for row in shares]
    ticks = list(range(DECADES[0], DECADES[1] + 1))
    figure.add_trace(Heatmap(
        y=list(names), x=list(range(first, first + len(rows[0]))), z=logarithms, customdata=shares, colorscale=SCALE,
        zmin=DECADES[0], zmax=DECADES[1],
        colorbar={"title": {"text": "%", "side": "top"}, "tickvals": ticks,
                  "ticktext": [f"{10.0 ** tick:g}" for tick in ticks], "thickness": 12, "len": 1, "x": 1.01},
        hovertemplate=f"%{{y}}, %{{x}}: %{{customdata:.3f}} % of the {of}<extra></extra>"))
    return figure
