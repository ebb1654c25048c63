"""The plot of a comparison: published accuracy of each network against the time of a frame, dense and pruned."""

from __future__ import annotations

from collections.abc import Sequence

from plotly.graph_objects import Figure, Scatter

from firelane.boards.comparison.cost import DENSE, OWN, PRUNED, NetworkCost
from firelane.models.comparison.accuracy import PUBLISHED
from firelane.report.figures.style import BLUE, GRAY, GREEN, ORANGE, PINK, RED, SKY, logarithmic, new_figure

__all__ = ["accuracy_against_latency"]

FAMILIES = {                # beginning of a network's name -> what the legend calls it, and its colour
    "squeezenet": ("SqueezeNet", BLUE), "squeezenext": ("SqueezeNext", SKY), "mobilenet_v1": ("MobileNetV1", ORANGE),
    "mobilenet_v2": ("MobileNetV2", RED), "shufflenet_v1": ("ShuffleNetV1", PINK),
    "shufflenet_v2": ("ShuffleNetV2", GREEN), "resnet": ("ResNet", GRAY),
}
MARKS = {DENSE: "circle-open", PRUNED: "circle", OWN: "diamond"}
WEIGHTS = {DENSE: "dense", PRUNED: "pruned alike", OWN: "with Deep Compression's zeros"}
MARGIN = 1.5                #: of the axis beyond the first and the last network


def accuracy_against_latency(costs: Sequence[NetworkCost], taps: int) -> Figure:
    """Published top-1 against milliseconds a frame, a line for each network from its pruned weights to the dense ones.

    Networks that nobody published an accuracy of, or that the engine cannot compute, are left out.
    """
    shown = [cost for cost in costs if cost.taps == taps and cost.network in PUBLISHED and not cost.least]
    figure = new_figure(480, "milliseconds a frame", "top-1 of the dense network as published, %")
    for start, (family, colour) in FAMILIES.items():
        members = [cost for cost in shown if cost.network.startswith(start)]
        for place, name in enumerate(dict.fromkeys(cost.network for cost in members)):
            mine = sorted((cost for cost in members if cost.network == name), key=lambda cost: cost.cycles)
            figure.add_trace(Scatter(
                x=[cost.milliseconds for cost in mine], y=[PUBLISHED[name].top1] * len(mine), mode="lines+markers+text",
                name=family, legendgroup=family, showlegend=place == 0, line={"color": colour, "width": 1},
                marker={"color": colour, "size": 10, "symbol": [MARKS[cost.weights] for cost in mine]},
                text=[*[""] * (len(mine) - 1), f" {name.removeprefix(start).strip('_')}"],
                textposition="middle right", textfont={"size": 11},
                customdata=[[name, WEIGHTS[cost.weights]] for cost in mine],
                hovertemplate="%{customdata[0]}, %{customdata[1]}: %{x:.1f} ms, %{y} %<extra></extra>"))
    times = [cost.milliseconds for cost in shown]
    figure.update_xaxes(logarithmic(min(times) / MARGIN, max(times) * MARGIN))
    return figure
