"""Plots that compare boards."""

from __future__ import annotations

from collections.abc import Sequence

from plotly.graph_objects import Bar, Figure

from firelane.boards.report.board_estimate import BoardEstimate
from firelane.report.figures.style import BLUE, RED, SKY, by_layer
from firelane.report.figures.usage import FULL


def speeds(boards: Sequence[BoardEstimate]) -> Figure:
    """Frames a second: filled where the board holds the network, hollow where it would need more room."""
    names = [board.board for board in boards]
    figure = by_layer(names, "frames a second", showlegend=False)
    figure.add_trace(Bar(
        y=names, x=[board.frames_per_second for board in boards], orientation="h", width=0.7,
        marker={"color": [BLUE if board.fits else "rgba(0,0,0,0)" for board in boards],
                "line": {"width": 1.5, "color": [BLUE if board.fits else SKY for board in boards]}},
        text=[f"{board.frames_per_second:,.1f}{'' if board.fits else ' (no room)'}" for board in boards],
        textposition="auto", textangle=0, hovertemplate="%{y}: %{x:,.2f} frames/s<extra></extra>"))
    return figure


def fullest(boards: Sequence[BoardEstimate]) -> Figure:
    """The memory of each board's engine of which the greatest share is used."""
    names = [board.board for board in boards]
    found = [max(board.estimate.memories, key=lambda usage: usage.used / (usage.available or 1)) for board in boards]
    shares = [100 * usage.used / (usage.available or 1) for usage in found]
    figure = by_layer(names, "% of what there is", showlegend=False, shapes=[FULL])
    figure.add_trace(Bar(
        y=names, x=shares, orientation="h", width=0.7,
        marker={"color": [BLUE if usage.fits else RED for usage in found]},
        text=[f"{usage.name}" for usage in found], textposition="auto", textangle=0,
        customdata=[[usage.name, usage.used, usage.available] for usage in found],
        hovertemplate="%{y}: %{customdata[0]}, %{customdata[1]:,} of %{customdata[2]:,}<extra></extra>"))
    figure.update_xaxes(range=[0, max(105, 1.05 * max(shares, default=0))])
    return figure
