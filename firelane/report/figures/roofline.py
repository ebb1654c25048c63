"""The roofline: how fast each layer runs, by how many multiplications a bit of its weights brings.

The engine holds its weights as bits, and reads them again for every tile. Its multipliers are one roof: one
multiplication each a cycle. The weight memory, which gives a word a cycle, is the other. Multiplications by zero are
counted, but not done: so a layer may be above the first roof.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from plotly.graph_objects import Figure, Scatter

from firelane.compiler.support.fitted_table import shortened
from firelane.hw.contract.config import MEMORY_BITS
from firelane.report.figures.style import BLUE, GRAY, NAME_WIDTH, ORANGE, RED, apart, logarithmic, new_figure
from firelane.report.figures.whole_layers import WholeLayer

APART = (0.5, 0.2)      #: least distance of names, in logarithms
LABELLED = 6            #: layers of most cycles that have their names beside them


def roofline(layers: Sequence[WholeLayer], lanes: int) -> Figure:
    """Multiplications a cycle against multiplications a bit of weights, zeros counted; with the roofs."""
    chosen = streamed(layers)
    across, up = [layer.macs / layer.streamed_bits for layer in chosen], [layer.macs / layer.cycles for layer in chosen]
    own = [lanes / (layer.density or 1) for layer in chosen]
    total = sum(layer.cycles for layer in chosen)
    by_cycles = sorted(chosen, key=lambda layer: -layer.cycles)
    named = apart(((layer.name, log(layer.macs / layer.streamed_bits), log(layer.macs / layer.cycles))
                   for layer in by_cycles), APART, LABELLED)
    figure = new_figure(460, "dense multiplications a bit of weights read", "dense multiplications a cycle")
    left, right = min([*across, lanes / MEMORY_BITS]) / 2, max([*across, lanes / MEMORY_BITS]) * 2
    knee = lanes / MEMORY_BITS
    figure.add_trace(Scatter(x=[left, knee, right], y=[left * MEMORY_BITS, lanes, lanes], mode="lines", name="roofs",
                             line={"color": RED, "width": 2},
                             hovertemplate="%{y:,.0f} a cycle at %{x:.2f} a bit<extra></extra>"))
    figure.add_trace(Scatter(x=across, y=own, mode="markers", name="roof of a layer that skips its zeros",
                             marker={"symbol": "line-ew", "size": 12, "line": {"width": 2, "color": ORANGE}},
                             text=[layer.name for layer in chosen],
                             hovertemplate="%{text}: at most %{y:,.0f} a cycle<extra></extra>"))
    figure.add_trace(Scatter(
        x=across, y=up, mode="markers+text", name="layer (area: its share of the cycles)",
        marker={"color": BLUE, "size": [8 + 40 * (layer.cycles / total) ** 0.5 for layer in chosen], "opacity": 0.75,
                "line": {"width": 1, "color": GRAY}},
        text=[shortened(layer.name, NAME_WIDTH) if layer.name in named else "" for layer in chosen],
        textposition="bottom center", textfont={"size": 10}, customdata=[layer.name for layer in chosen],
        hovertemplate="%{customdata}: %{y:,.1f} a cycle, %{x:.2f} a bit<extra></extra>"))
    figure.update_xaxes(logarithmic(left, right))
    figure.update_yaxes(logarithmic(min([left * MEMORY_BITS, *up]) / 1.3, max([*own, *up]) * 1.3))
    return figure


def streamed(layers: Sequence[WholeLayer]) -> list[WholeLayer]:
    """The layers that have weights to read."""
    return [layer for layer in layers if layer.streamed_bits and layer.macs and layer.cycles]
