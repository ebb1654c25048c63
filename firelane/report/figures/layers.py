"""Plots of a row for each layer: cycles, bytes of ROM, densities, bits a weight."""

from __future__ import annotations

from collections.abc import Sequence

from plotly.graph_objects import Bar, Figure, Scatter

from firelane.report.figures.style import BLUE, GRAY, GREEN, ORANGE, PINK, SKY, axis, by_layer
from firelane.report.figures.whole_layers import BYTE_BITS, WholeLayer

ROM_KINDS = (("values", BLUE), ("runs", SKY), ("parameters", ORANGE), ("tables", GREEN), ("padding", GRAY))
TICK = {"symbol": "line-ns", "size": 13, "line": {"width": 3, "color": PINK}}       #: an upright line


def cycles(layers: Sequence[WholeLayer]) -> Figure:
    """Cycles of each layer, the ideal inside."""
    names = [layer.name for layer in layers]
    figure = by_layer(names, "cycles of a frame", barmode="overlay")
    figure.add_trace(Bar(y=names, x=[layer.cycles for layer in layers], name="cycles", orientation="h", width=0.8,
                         marker={"color": SKY}, hovertemplate="%{y}: %{x:,} cycles<extra></extra>"))
    figure.add_trace(Bar(y=names, x=[layer.ideal for layer in layers], name="of these ideal", orientation="h",
                         width=0.36, marker={"color": BLUE}, hovertemplate="%{y}: %{x:,} ideal<extra></extra>"))
    return figure


def rom(layers: Sequence[WholeLayer]) -> Figure:
    """Bytes of ROM of each layer that has any, by kind; and the entropy of its values and runs."""
    layers = [layer for layer in layers if layer.rom.bits]
    names = [layer.name for layer in layers]
    figure = by_layer(names, "bytes", barmode="stack")
    for kind, colour in ROM_KINDS:
        figure.add_trace(Bar(y=names, x=[getattr(layer.rom, kind) / BYTE_BITS for layer in layers], name=kind,
                             orientation="h", width=0.7, marker={"color": colour},
                             hovertemplate=f"%{{y}}: %{{x:,.0f}} bytes of {kind}<extra></extra>"))
    figure.add_trace(Scatter(y=names, x=[layer.entropy_bits / BYTE_BITS for layer in layers], mode="markers",
                             name="entropy of values and runs", marker=TICK,
                             hovertemplate="%{y}: entropy %{x:,.0f} bytes<extra></extra>"))
    figure.update_xaxes(range=[0, 1.04 * max((layer.rom.bits for layer in layers), default=1) / BYTE_BITS])
    return figure


def density(layers: Sequence[WholeLayer]) -> Figure:
    """Density of each layer with weights, and beside it the bits of a weight that is not zero."""
    layers = [layer for layer in layers if layer.nonzero]
    names = [layer.name for layer in layers]
    figure = by_layer(names, "not zero, %", xaxis2=axis("bits a weight"),
                      yaxis2={"matches": "y", "showticklabels": False, "anchor": "x2", "showgrid": False})
    figure.update_layout(xaxis_domain=[0, 0.46], xaxis2_domain=[0.54, 1], xaxis2_anchor="y2", xaxis_rangemode="tozero",
                         xaxis2_rangemode="tozero")
    figure.add_trace(Bar(y=names, x=[100 * (layer.density or 0) for layer in layers], orientation="h", width=0.7,
                         marker={"color": GREEN}, name="density", hovertemplate="%{y}: %{x:.1f} %<extra></extra>"))
    figure.add_trace(Bar(y=names, x=[layer.code_bits for layer in layers], orientation="h", width=0.7, xaxis="x2",
                         yaxis="y2", marker={"color": SKY}, name="bits as coded",
                         hovertemplate="%{y}: %{x:.2f} bits<extra></extra>"))
    figure.add_trace(Scatter(y=names, x=[layer.entropy_bits / max(layer.nonzero, 1) for layer in layers], xaxis="x2",
                             yaxis="y2", mode="markers", marker=TICK, name="entropy",
                             hovertemplate="%{y}: entropy %{x:.2f} bits<extra></extra>"))
    return figure
