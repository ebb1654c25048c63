"""Plots of a build on its device: cells by part of the engine, routed wires, the path that limits the clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from plotly.graph_objects import Bar, Figure, Heatmap

from firelane.boards.report.build_report import BuildReport, Step
from firelane.boards.report.die_plot import BLOCKS, block_of
from firelane.boards.report.placement import KINDS, Placement
from firelane.boards.report.routed_wires import RoutedWires
from firelane.compiler.fit.report import Usage
from firelane.compiler.support.fitted_table import shortened
from firelane.report.figures.style import BLUE, GRAY, GREEN, ORANGE, PINK, RED, SCALE, SKY, by_layer, new_figure

CELL_COLOURS = dict(zip(KINDS, (BLUE, SKY, ORANGE, GREEN)))
STEP_COLOURS = {"clk-to-q": GREEN, "logic": BLUE, "routing": ORANGE, "setup": PINK}
STEP_WIDTH = 34         #: characters of a cell's name
TILE = 7                #: pixels of a tile's height


def resources(report: BuildReport) -> list[Usage]:
    """What was used of the device."""
    return [Usage(name, used, available) for name, (used, available) in report.resources.items()]


def blocks(placement: Placement) -> Figure:
    """The share of each part of the design in all cells of a kind."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for instance, kinds in placement.cells.items():
        for kind, places in kinds.items():
            counts[kind][block_of(instance).name] += len(places)
    names = [block.name for block in BLOCKS if any(counts[kind][block.name] for kind in KINDS)]
    figure = by_layer(names, "% of the cells of a kind", barmode="group", bargap=0.2)
    figure.update_layout(height=120 + 44 * len(names))
    for kind in KINDS:
        total = max(counts[kind].total(), 1)
        figure.add_trace(Bar(
            y=names, x=[100 * counts[kind][name] / total for name in names], orientation="h", name=kind,
            marker={"color": CELL_COLOURS[kind]}, customdata=[counts[kind][name] for name in names],
            hovertemplate=f"%{{y}}: %{{customdata:,}} {kind}, %{{x:.1f}} % of them<extra></extra>"))
    return figure


def wires(found: RoutedWires) -> Figure:
    """Switches that are set in each tile, as a colour; row 0 of the device on top."""
    rows, columns = found.counts.shape
    figure = new_figure(110 + TILE * rows, "column of the device", "row")
    figure.add_trace(Heatmap(
        z=found.counts.tolist(), x=list(range(columns)), y=list(range(rows)), colorscale=SCALE, zmin=0,
        colorbar={"title": {"text": "switches", "side": "top"}, "thickness": 12, "len": 1, "x": 1.01},
        hovertemplate="row %{y}, column %{x}: %{z} switches<extra></extra>"))
    figure.update_yaxes(range=[rows - 0.5, -0.5], showgrid=False)
    figure.update_xaxes(range=[-0.5, columns - 0.5], showgrid=False)
    return figure


def path(steps: Sequence[Step]) -> Figure:
    """The path that limits the clock: a bar for each piece that takes time, from when it begins, coloured by kind."""
    steps = [step for step in steps if step.delay_ns > 0]
    labels = [f"{number}. {shortened(step.sink, STEP_WIDTH)}" for number, step in enumerate(steps, 1)]
    begins = [sum(step.delay_ns for step in steps[:number]) for number in range(len(steps))]
    figure = by_layer(labels, "ns from the edge of the clock", barmode="overlay")
    figure.update_yaxes(ticktext=labels)
    for kind in dict.fromkeys(step.kind for step in steps):
        chosen = [number for number, step in enumerate(steps) if step.kind == kind]
        figure.add_trace(Bar(
            y=[labels[number] for number in chosen], base=[begins[number] for number in chosen],
            x=[steps[number].delay_ns for number in chosen], orientation="h", width=0.7, name=kind,
            marker={"color": STEP_COLOURS.get(kind, GRAY)},
            customdata=[[steps[number].source, steps[number].sink] for number in chosen],
            hovertemplate=f"{kind}, %{{x:.2f}} ns<br>%{{customdata[0]}}<br>to %{{customdata[1]}}<extra></extra>"))
    return figure


def clocks(report: BuildReport) -> Figure:
    """The clock that is used, and the one that was reached."""
    names = ["used", "possible"]
    figure = by_layer(names, "MHz", showlegend=False)
    figure.add_trace(Bar(y=names, x=[report.target_hz / 1e6, report.achieved_hz / 1e6], orientation="h", width=0.7,
                         marker={"color": [BLUE, SKY if report.meets_timing else RED]},
                         text=[f"{report.target_hz / 1e6:.1f}", f"{report.achieved_hz / 1e6:.1f}"], textangle=0,
                         hovertemplate="%{y}: %{x:.2f} MHz<extra></extra>"))
    return figure
