"""Plots of how much of a float network a quantized one keeps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

from plotly.graph_objects import Bar, Figure

from firelane.report.figures.style import BLUE, GREEN, ORANGE, PINK, by_layer
from firelane.sim.evaluate.report import NAMES
from firelane.sim.evaluate.result import LayerNoise, Score

MEASURES = (("top1", "top-1", BLUE), ("top5", "top-5", GREEN), ("agreement", "same class as the float network", ORANGE))


def scores(found: Sequence[Score], images: int) -> Figure:
    """Accuracies and agreement of each run that has any, with the standard error of a share of so many images."""
    found = [score for score in found if any(getattr(score, field) is not None for field, _, _ in MEASURES)]
    names = [NAMES[score.run] for score in found]
    figure = by_layer(names, "% of the images", barmode="group", bargap=0.25)
    figure.update_layout(height=150 + 60 * len(found))
    for field, name, colour in MEASURES:
        values = [getattr(score, field) for score in found]
        if all(value is None for value in values):
            continue
        shares = [None if value is None else 100 * value for value in values]
        errors = [None if value is None else 100 * sqrt(value * (1 - value) / images) for value in values]
        figure.add_trace(Bar(
            y=names, x=shares, orientation="h", name=name, marker={"color": colour},
            error_x={"type": "data", "array": errors, "thickness": 1.5, "width": 5, "color": PINK},
            text=["" if share is None else f"{share:.2f}" for share in shares], textposition="inside",
            insidetextanchor="start", textangle=0, hovertemplate=f"%{{y}}: {name} %{{x:.2f}} %<extra></extra>"))
    figure.update_xaxes(range=[0, 103])
    return figure


def noise(layers: Sequence[LayerNoise]) -> Figure:
    """Signal to noise of each tensor, where there is noise."""
    shown = [layer for layer in layers if layer.snr_db is not None]
    names = [layer.node or "input" for layer in shown]
    figure = by_layer(names, "signal to noise, dB", showlegend=False)
    figure.add_trace(Bar(y=names, x=[layer.snr_db for layer in shown], orientation="h", width=0.7,
                         marker={"color": BLUE}, customdata=[layer.original for layer in shown],
                         hovertemplate="%{y}: %{x:.2f} dB (%{customdata})<extra></extra>"))
    return figure


def lost(layers: Sequence[LayerNoise]) -> Figure:
    """How much the signal to noise of each tensor is below that of the one before it."""
    shown = [layer for layer in layers if layer.snr_db is not None]
    names = [layer.node or "input" for layer in shown]
    steps = [0.0, *((before.snr_db or 0) - (after.snr_db or 0) for before, after in pairwise(shown))]
    figure = by_layer(names, "lost from one layer to the next, dB", showlegend=False)
    figure.add_trace(Bar(y=names, x=steps, orientation="h", width=0.7,
                         marker={"color": [ORANGE if step > 0 else GREEN for step in steps]},
                         hovertemplate="%{y}: %{x:+.2f} dB<extra></extra>"))
    return figure
