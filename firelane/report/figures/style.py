"""What all plots have in common: colours that differ for colour-blind readers, axes, names of layers.

The colours are those of Okabe and Ito (2008) that can be seen on white and on black; the page adds the colours of text
and grid, which depend on whether it is light or dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, floor, log10
from typing import Any

from plotly.graph_objects import Figure

from firelane.compiler.support.fitted_table import shortened

BLUE, ORANGE, GREEN, PINK, SKY, RED = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"
GRAY = "#8b949e"
CYCLE = (BLUE, ORANGE, GREEN, PINK, SKY, RED)
SCALE = "Cividis"               #: of heat maps: the same for all eyes, and in gray
NAME_WIDTH = 22                 #: characters of a layer's name beside a plot
ROW, ROWS_ABOVE_AND_BELOW = 19, 118     #: pixels of a row, and of all that is no row


def new_figure(height: int, x: str, y: str = "", **layout: Any) -> Figure:
    """An empty figure with the titles of its axes."""
    return Figure(layout={
        "template": "none", "height": height, "autosize": True,
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12},
        "margin": {"l": 8, "r": 16, "t": 34, "b": 8}, "hovermode": "closest",
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        "xaxis": axis(x), "yaxis": axis(y), **layout})


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis with its title and unit."""
    return {"title": {"text": title, "standoff": 8}, "automargin": True, "showgrid": True, "zeroline": False,
            "ticks": "", **more}


def logarithmic(low: float, high: float, numbers: str = ",.7g") -> dict[str, Any]:
    """What makes an axis logarithmic, from `low` to `high`, with ticks at 1, 2 and 5 of each decade."""
    ticks = [digit * 10.0 ** power for power in range(floor(log10(low)), ceil(log10(high))) for digit in (1, 2, 5)]
    return {"type": "log", "range": [log10(low), log10(high)], "tickvals": ticks,
            "ticktext": [f"{tick:{numbers}}" for tick in ticks]}


def apart(points: Iterable[tuple[str, float, float]], least: tuple[float, float], most: int) -> set[str]:
    """The names of points that are far enough from each other for their names beside them; those first come first.

    Parameters
    ----------
    points : iterable of (name, x, y)
    least : (float, float)
        Distances: in one of the two, names must be so far apart.
    most : int
        Names at most.
    """
    places: dict[str, tuple[float, float]] = {}
    for name, x, y in points:
        if len(places) < most and all(abs(x - left) > least[0] or abs(y - below) > least[1]
                                      for left, below in places.values()):
            places[name] = x, y
    return set(places)


def by_layer(names: Sequence[str], x: str, **layout: Any) -> Figure:
    """An empty figure of a row for each layer, the first on top; names that are long are shortened beside it."""
    figure = new_figure(ROWS_ABOVE_AND_BELOW + ROW * len(names), x, **layout)
    figure.update_yaxes(layer_axis(names))
    return figure


def layer_axis(names: Sequence[str]) -> dict[str, Any]:
    """The axis of layers: their whole names are its values."""
    return {"type": "category", "categoryorder": "array", "categoryarray": list(names), "tickvals": list(names),
            "ticktext": [shortened(name, NAME_WIDTH) for name in names], "range": [len(names) - 0.5, -0.5],
            "showgrid": False, "title": {"text": ""}, "automargin": True}
