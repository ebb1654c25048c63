"""The plot of an exploration: what each point costs."""

from __future__ import annotations

from collections.abc import Sequence

from plotly.graph_objects import Figure, Scatter

from firelane.boards.explore.front import Row
from firelane.boards.explore.tables import name_of
from firelane.report.figures.style import BLUE, GRAY, ORANGE, new_figure

LEAST, MOST = 7, 26     #: sizes of marks


def scattered(points: Sequence[Row], front: Sequence[Row], axes: Sequence[str]) -> Figure:
    """Cycles of a frame against weights; the area of a mark is the bytes."""
    figure = new_figure(460, "weights", "cycles a frame")
    best = {id(point) for point in front}
    kinds = (("on the front", BLUE, "circle", [point for point in points if id(point) in best]),
             ("fits", GRAY, "circle-open", [point for point in points if point["fits"] and id(point) not in best]),
             ("does not fit", ORANGE, "x-thin-open", [point for point in points if not point["fits"]]))
    most = max((point["bytes"] for point in points), default=1)
    for name, colour, symbol, shown in kinds:
        if shown:
            figure.add_trace(Scatter(
                x=[point["weights"] for point in shown], y=[point["cycles"] for point in shown], mode="markers",
                name=name, customdata=[[name_of(point, axes), point["bytes"], point["words"]] for point in shown],
                marker={"color": colour, "symbol": symbol,
                        "size": [LEAST + (MOST - LEAST) * (point["bytes"] / most) ** 0.5 for point in shown]},
                hovertemplate="%{customdata[0]}<br>%{y:,} cycles, %{x:,} weights, %{customdata[1]:,} bytes, "
                              "%{customdata[2]:,} words<extra></extra>"))
    figure.update_yaxes(rangemode="tozero")
    return figure
