"""Plots of what a simulation measured beside what was predicted."""

from __future__ import annotations

from collections.abc import Sequence

from plotly.graph_objects import Bar, Figure, Scatter

from firelane.report.figures.layers import TICK
from firelane.report.figures.style import BLUE, ORANGE, SKY, by_layer
from firelane.sim.judge.layer_cycles import LayerCycles


def measured(layers: Sequence[LayerCycles]) -> Figure:
    """Cycles of each layer in the Verilog, the ideal inside, and a mark where the prediction is."""
    names = [layer.name for layer in layers]
    figure = by_layer(names, "cycles of a frame", barmode="overlay")
    figure.add_trace(Bar(y=names, x=[layer.measured for layer in layers], name="measured", orientation="h", width=0.8,
                         marker={"color": SKY}, hovertemplate="%{y}: %{x:,} cycles<extra></extra>"))
    figure.add_trace(Bar(y=names, x=[layer.ideal for layer in layers], name="ideal", orientation="h", width=0.36,
                         marker={"color": BLUE}, hovertemplate="%{y}: %{x:,} ideal<extra></extra>"))
    figure.add_trace(Scatter(y=names, x=[layer.predicted for layer in layers], mode="markers", name="predicted",
                             marker=TICK, hovertemplate="%{y}: %{x:,} predicted<extra></extra>"))
    figure.update_xaxes(range=[0, 1.04 * max((max(layer.measured, layer.predicted) for layer in layers), default=1)])
    return figure


def errors(layers: Sequence[LayerCycles]) -> Figure:
    """How far predictions are off that are, as shares of what was measured."""
    layers = [layer for layer in layers if layer.error]
    names = [layer.name for layer in layers]
    figure = by_layer(names, "predicted - measured, % of measured", showlegend=False)
    figure.add_trace(Bar(y=names, x=[100 * layer.error for layer in layers], orientation="h", width=0.7,
                         marker={"color": ORANGE}, customdata=[layer.predicted - layer.measured for layer in layers],
                         hovertemplate="%{y}: %{x:+.3f} %, %{customdata:+,} cycles<extra></extra>"))
    most = max((abs(100 * layer.error) for layer in layers), default=0)
    figure.update_xaxes(range=[-1.1 * most - 0.01, 1.1 * most + 0.01], zeroline=True)
    return figure
