"""Plots of what compression chose for each layer: bits, and what they cost of accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10

from plotly.graph_objects import Bar, Figure, Scatter

from firelane.compiler.compress.run import CompressedLayer
from firelane.compiler.support.fitted_table import shortened
from firelane.report.figures.style import BLUE, GRAY, NAME_WIDTH, ORANGE, apart, axis, by_layer, logarithmic, new_figure
from firelane.report.figures.whole_layers import BYTE_BITS

APART = (0.2, 0.1)      #: least distance of names, as shares of the plot
LABELLED = 6            #: layers of greatest error that have their names beside them


def by_size(layers: Sequence[CompressedLayer], bits: Mapping[str, int]) -> Figure:
    """Bytes of each layer, and beside them what its levels cost; `bits` of its streams, by name."""
    names = [layer.name for layer in layers]
    figure = by_layer(names, "bytes", xaxis2=axis("error, 1/1000 nats"), showlegend=False,
                      yaxis2={"matches": "y", "showticklabels": False, "anchor": "x2", "showgrid": False})
    figure.update_layout(xaxis_domain=[0, 0.47], xaxis2_domain=[0.53, 1], xaxis2_anchor="y2")
    figure.add_trace(Bar(y=names, x=[bits[name] / BYTE_BITS for name in names], orientation="h", width=0.7,
                         name="bytes", marker={"color": BLUE}, hovertemplate="%{y}: %{x:,.0f} bytes<extra></extra>"))
    figure.add_trace(Bar(y=names, x=[1000 * layer.error for layer in layers], orientation="h", width=0.7, name="error",
                         xaxis="x2", yaxis="y2", marker={"color": ORANGE},
                         customdata=[[layer.levels, layer.nonzero, layer.weights] for layer in layers],
                         hovertemplate="%{y}: %{x:.3f} / 1000 nats<br>%{customdata[0]} levels, %{customdata[1]:,} of "
                                       "%{customdata[2]:,} weights not zero<extra></extra>"))
    return figure


def rates(layers: Sequence[CompressedLayer], bits: Mapping[str, int]) -> Figure:
    """What a weight of each layer takes, against what it costs."""
    shown = [layer for layer in layers if layer.error > 0 and bits[layer.name]]
    across = [bits[layer.name] / layer.weights for layer in shown]
    up = [layer.error / layer.weights for layer in shown]
    by_error = sorted(shown, key=lambda layer: -layer.error)
    right, decades = max(across, default=1), log10(max(up, default=1) / min(up, default=1)) or 1
    named = apart(((layer.name, bits[layer.name] / layer.weights / right, log10(layer.error / layer.weights) / decades)
                   for layer in by_error), APART, LABELLED)
    figure = new_figure(400, "bits a weight, zeros counted", "error a weight, nats an image", showlegend=False)
    figure.add_trace(Scatter(
        x=across, y=up, mode="markers+text", name="layers",
        marker={"size": [8 + 30 * (bits[layer.name] / max(bits.values())) ** 0.5 for layer in shown], "color": BLUE,
                "opacity": 0.75, "line": {"width": 1, "color": GRAY}},
        text=[shortened(layer.name, NAME_WIDTH) if layer.name in named else "" for layer in shown],
        textposition="top center", textfont={"size": 10}, customdata=[layer.name for layer in shown],
        hovertemplate="%{customdata}: %{x:.2f} bits, %{y:.2e} nats a weight<extra></extra>"))
    if shown:
        figure.update_yaxes(logarithmic(min(up) / 2, 2 * max(up), ".0e"))
    figure.update_xaxes(rangemode="tozero")
    return figure
